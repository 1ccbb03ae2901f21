import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { PeerId } from '../../../mesh/index.ts'
import { FileSink } from '../../../src/commit/sinks/file.ts'
import { FILES, type FileCalls } from '../../../src/commit/sinks/file-calls.ts'
import { createSink } from '../../../src/commit/sinks/index.ts'
import { ConnectionLost, type SinkHarness, type Step, sinkContract } from '../../contract/sink.contract.ts'
import { batch, identity, oneBody, row, story } from '../../contract/sink-batches.ts'
import { branchContract } from '../../contract/sink-branches.contract.ts'
import { FILE_FORMATS, type FormatCase } from '../../contract/sink-formats.ts'

const folder = await mkdtemp(join(tmpdir(), 'quorate-file-sink-'))
after(() => rm(folder, { recursive: true, force: true }))
let roots = 0

const [ADA, BO] = ['a'.repeat(64), 'b'.repeat(64)] as [PeerId, PeerId]
const unit = identity()
const UNIT = 'delays/test/orders-0123456789ab-1/0-0'

/** A file system whose every call goes through `step`. */
function stepping(step: Step): FileCalls {
  const call = <Args extends unknown[], T>(of: (...args: Args) => Promise<T>) => {
    return (...args: Args): Promise<T> =>
      step(() => of(...args)).catch((error) => {
        throw error instanceof ConnectionLost ? Object.assign(new Error('input/output error'), { code: 'EIO' }) : error
      })
  }
  return {
    makeDirectory: call(FILES.makeDirectory),
    write: call(FILES.write),
    link: call(FILES.link),
    remove: call(FILES.remove),
    syncDirectory: call(FILES.syncDirectory),
    read: call(FILES.read),
    names: call(FILES.names),
    writtenAt: call(FILES.writtenAt),
  }
}

/** Every path below a directory, sorted. */
async function pathsBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => [])
  const files = entries.filter((entry) => entry.isFile())
  return files.map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1)).sort()
}

const newRoot = (): string => {
  roots += 1
  return join(folder, String(roots))
}

async function createHarness({ format, ending, read }: FormatCase): Promise<SinkHarness> {
  const root = newRoot()
  return {
    sink: (step) => new FileSink(root, 'delays', ADA, format, stepping(step)),
    async rows() {
      // Whatever a reader could mistake for rows, wherever it is.
      const paths = (await pathsBelow(root)).filter((path) => path.endsWith(`.${ending}`))
      return (await Promise.all(paths.map(async (path) => read(await readFile(join(root, path)))))).flat()
    },
    keeps: 'everyRevision',
    fences: false,
    dispose: async () => undefined,
  }
}

for (const each of FILE_FORMATS) sinkContract(`files in ${each.name}`, () => createHarness(each))
for (const each of FILE_FORMATS) branchContract(`files in ${each.name}`, () => createHarness(each))

describe('the file sink', () => {
  const open = (root: string, files?: FileCalls) => new FileSink(root, 'delays', ADA, undefined, files).open(unit)

  it('writes JSON Lines under names that sort by position, and the certificates beside them', async () => {
    const root = newRoot()
    const session = await open(root)
    await session.write(story(unit, oneBody))
    const names = [
      '000000000001-000000000000',
      '000000000002-000000000000',
      '000000000002-000000000001',
      '000000000003-000000000000',
    ]
    assert.deepEqual(await pathsBelow(root), [
      ...names.map((name) => `${UNIT}.certificates/${name}.json`),
      ...names.map((name) => `${UNIT}/${name}.jsonl`),
    ])
    assert.equal(
      (await readFile(join(root, UNIT, `${names[0]}.jsonl`), 'utf8')).split('\n')[1],
      '{"key":"b","window":{"start":"2001-01-01T00:00:00.000Z","end":"2001-01-01T01:00:00.000Z"},"revision":0,' +
        '"final":true,"value":{"sum":9007199254740993}}',
    )
  })

  /**
   *   the dying committer    write half of the rows, and no more
   *   a reader               sees no rows
   *   its heir               writes them whole
   */
  it('never shows a file that was torn while it was written', async () => {
    const root = newRoot()
    const [first] = story(unit, oneBody)
    const torn: FileCalls = {
      ...FILES,
      async write(path, bytes) {
        if (!Buffer.from(bytes).toString().startsWith('{"key"')) return FILES.write(path, bytes)
        await writeFile(path, bytes.subarray(0, bytes.length / 2))
        throw Object.assign(new Error('the disk was lost'), { code: 'EIO' })
      },
    }
    await assert.rejects((await open(root, torn)).write([first!]), { code: 'QRT_SINK_UNREACHABLE' })
    assert.deepEqual(
      (await pathsBelow(root)).filter((path) => path.endsWith('.jsonl')),
      [],
    )
    const heir = await open(root)
    assert.equal(heir.progress, undefined)
    assert.equal(await heir.write([first!]), 'written')
    const text = await readFile(join(root, UNIT, '000000000001-000000000000.jsonl'), 'utf8')
    assert.equal(text.split('\n').length, 3)
  })

  it('removes what was being written a day ago, and leaves what may still be written', async () => {
    const root = newRoot()
    const partial = join(root, `${UNIT}.partial`)
    await mkdir(partial, { recursive: true })
    for (const name of ['old', 'new']) await writeFile(join(partial, name), 'half')
    const yesterday = new Date(Date.now() - 25 * 60 * 60 * 1_000)
    await utimes(join(partial, 'old'), yesterday, yesterday)
    await open(root)
    assert.deepEqual(await readdir(partial), ['new'])
  })

  it('halts on rows that are not those of the certificate beside them', async () => {
    const root = newRoot()
    const [first] = story(unit, oneBody)
    const session = await open(root)
    const path = join(root, UNIT, '000000000001-000000000000.jsonl')
    await mkdir(join(root, UNIT), { recursive: true })
    await writeFile(path, 'somebody else was here\n')
    await assert.rejects(session.write([first!]), { code: 'QRT_SINK_FORK', message: /nothing was overwritten/ })
    assert.equal(await readFile(path, 'utf8'), 'somebody else was here\n')
  })

  it('halts where a certificate of something else is, though its rows were never written', async () => {
    const root = newRoot()
    const [first] = story(unit, oneBody)
    const rival = batch(unit, first!.position, undefined, [row(9, '"z"', '{"count":9}')], oneBody)
    const dying: FileCalls = {
      ...FILES,
      link: (from, to) => (to.endsWith('.jsonl') ? Promise.reject(new Error('killed')) : FILES.link(from, to)),
    }
    await assert.rejects((await open(root, dying)).write([rival]), { code: 'QRT_SINK_UNREACHABLE' })
    await assert.rejects((await open(root)).write([first!]), { code: 'QRT_SINK_FORK' })
  })

  it('refuses rows without a certificate: Quorate did not write them', async () => {
    const root = newRoot()
    await mkdir(join(root, UNIT), { recursive: true })
    await writeFile(join(root, UNIT, '000000000007-000000000000.jsonl'), '{}\n')
    await assert.rejects(open(root), { code: 'QRT_SINK_REFUSED', message: /certificate/ })
  })

  it('says that a file system has no links, or has links that replace, before anything is written', async () => {
    const without: FileCalls = {
      ...FILES,
      link: () => Promise.reject(Object.assign(new Error('operation not supported'), { code: 'ENOTSUP' })),
    }
    const replacing: FileCalls = { ...FILES, link: async () => true }
    for (const files of [without, replacing]) {
      await assert.rejects(new FileSink(newRoot(), 'delays', ADA, undefined, files).probe(), {
        code: 'QRT_SINK_UNSUPPORTED',
      })
    }
  })

  it('can be asked again once a directory that forbade writing, or was full, takes files', async () => {
    const root = newRoot()
    const [first] = story(unit, oneBody)
    for (const code of ['EACCES', 'ENOSPC', 'ESTALE']) {
      const refusing: FileCalls = { ...FILES, write: () => Promise.reject(Object.assign(new Error(code), { code })) }
      const attempt = (await open(root, refusing)).write([first!])
      await assert.rejects(attempt, { code: 'QRT_SINK_UNREACHABLE', message: new RegExp(code) })
    }
    assert.equal(await (await open(root)).write([first!]), 'written')
  })

  it('is refused where the peer has no directory for it', () => {
    assert.throws(() => createSink({ kind: 'file', directory: 'delays' }, {}, undefined as never, ADA), {
      code: 'QRT_SINK_UNSUPPORTED',
      message: /connections\.file\.directory/,
    })
  })
})

describe('peers that write files', () => {
  it('share a directory once each of them was there', async () => {
    const root = newRoot()
    const ada = new FileSink(root, 'delays', ADA)
    const bo = new FileSink(root, 'delays', BO)
    assert.equal(await ada.sharedBy([ADA]), true)
    assert.equal(await ada.sharedBy([ADA, BO]), false)
    assert.equal(await bo.sharedBy([ADA, BO]), true)
    assert.equal(await ada.sharedBy([ADA, BO]), true)
  })

  it('do not share it when each has one of its own', async () => {
    const [ada, bo] = [new FileSink(newRoot(), 'delays', ADA), new FileSink(newRoot(), 'delays', BO)]
    await bo.sharedBy([ADA, BO])
    assert.equal(await ada.sharedBy([ADA, BO]), false)
  })
})
