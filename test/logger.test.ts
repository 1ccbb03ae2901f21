/** The log: levels, both formats, and secrets that never get out. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createLogger, type LoggerOptions } from '../src/logger.ts'

function capture(options: LoggerOptions = {}) {
  const lines: string[] = []
  const now = () => new Date('2001-01-14T00:00:00Z')
  return { lines, logger: createLogger({ now, write: (line) => lines.push(line), ...options }) }
}

describe('logger', () => {
  it('writes one line an entry, as text', () => {
    const { lines, logger } = capture()
    logger.info('peer joined', { name: 'bo', members: 3 })
    assert.deepEqual(lines, ['2001-01-14T00:00:00.000Z info  peer joined name=bo members=3\n'])
  })

  it('writes JSON lines, with errors, codes, causes and BigInt', () => {
    const { lines, logger } = capture({ format: 'json' })
    const error = Object.assign(new Error('outer', { cause: new Error('inner') }), { code: 'QRT_TIMEOUT' })
    logger.error('failed', { error, offset: 9_007_199_254_740_993n })
    const entry = JSON.parse(lines[0]!)
    assert.equal(entry.level, 'error')
    assert.deepEqual(
      [entry.error.code, entry.error.message, entry.error.cause.message],
      ['QRT_TIMEOUT', 'outer', 'inner'],
    )
    assert.equal(entry.offset, '9007199254740993')
  })

  it('leaves out what is below its level', () => {
    const { lines, logger } = capture({ level: 'warn' })
    logger.debug('a')
    logger.info('b')
    logger.warn('c')
    logger.error('d')
    assert.equal(lines.length, 2)
  })

  it('adds the fields of a child', () => {
    const { lines, logger } = capture()
    logger.child({ peer: 'ada' }).child({ unit: 'u:0:1' }).warn('slow', { ms: 7 })
    assert.match(lines[0]!, /warn {2}slow peer=ada unit=u:0:1 ms=7\n$/)
  })

  it('keeps text from outside on its line', () => {
    const { lines, logger } = capture()
    logger.info('name is x\n2001-01-14 info forged', { name: 'y\nforged' })
    assert.equal(lines[0]!.trimEnd().split('\n').length, 1)
  })

  for (const format of ['text', 'json'] as const) {
    it(`replaces secrets wherever they stand (${format})`, () => {
      const secret = 'pa"ss\\word'
      const { lines, logger } = capture({ format, secrets: [secret, 'ab'] })
      logger.error(`cannot log in with ${secret}`, { url: `kafka://u:${secret}@h`, error: new Error(secret), ab: 'ab' })
      assert.doesNotMatch(lines[0]!, /pa.{0,2}ss/)
      assert.equal(lines[0]!.split('[redacted]').length - 1 >= 3, true)
      assert.match(lines[0]!, /ab/, 'secrets too short to be ones are left alone')
    })
  }
})
