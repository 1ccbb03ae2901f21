import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Opened } from '../../src/peer/opened.ts'

const forever = () => new Promise<void>(() => undefined)

function opened(withinMs?: number) {
  const closed: string[] = []
  const problems: [part: string, why: string][] = []
  const parts = new Opened((part, why) => problems.push([part, why]), withinMs)
  const add = (name: string, close: () => Promise<void> = async () => undefined) =>
    parts.add(name, () => {
      closed.push(name)
      return close()
    })
  return { parts, add, closed, problems }
}

describe('the parts of a peer', () => {
  it('are closed in the opposite order, each when the one before it is', async () => {
    const { parts, add, closed, problems } = opened()
    add('disk')
    add('api', async () => {
      await new Promise(setImmediate)
      assert.deepEqual(closed, ['api'])
    })
    await parts.close()
    assert.deepEqual([closed, problems], [['api', 'disk'], []])
  })

  it('are all closed, though one hangs and one fails, which is told', async () => {
    const { parts, add, closed, problems } = opened(20)
    add('disk')
    add('log', forever)
    add('sinks', () => Promise.reject(new Error('the broker is away')))
    await parts.close()
    assert.deepEqual(closed, ['sinks', 'log', 'disk'])
    assert.deepEqual(problems, [
      ['sinks', 'the broker is away'],
      ['log', 'it took longer than 20 ms'],
    ])
  })

  it('are closed once, whoever asks', async () => {
    const { parts, add, closed } = opened()
    add('disk')
    await Promise.all([parts.close(), parts.close()])
    await parts.close()
    assert.deepEqual(closed, ['disk'])
  })
})
