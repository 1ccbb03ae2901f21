/** Transactional writers: part of the log's contract. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { LogPartition } from '../../src/log/log.ts'
import { type LogUnderTest, records, valuesOf } from './log.contract.ts'
import { readAll } from './log-recorder.ts'
import { killWhileCommitting } from './log-victim.ts'

const PROGRESS = `progress-${process.pid}`

let ids = 0
const newId = (): string => {
  ids += 1
  return `writer-${process.pid}-${ids}`
}
const bytes = (text: string) => Buffer.from(text)
const textOf = (progress: Uint8Array | undefined) =>
  progress === undefined ? undefined : Buffer.from(progress).toString()

export function writingContract(subject: LogUnderTest): void {
  const valuesIn = async (partition: LogPartition) =>
    (await readAll(subject.log, partition, 0)).map(({ value }) => value)

  describe('writing', () => {
    it('commits records of several partitions and topics with its progress, one commit after another', async () => {
      const { log } = subject
      const [one, two] = [await subject.topic(2), await subject.topic(1)]
      const other = { ...one, partition: 1 }
      const id = newId()
      const writer = await log.openWriter(id, PROGRESS)
      assert.equal(writer.progress, undefined)
      for (let i = 0; i < 5; i++) {
        await writer.commit(
          new Map([
            [one, records(i * 3, i * 3 + 3)],
            [other, records(i, i + 1, 'other ')],
            [two, []],
          ]),
          bytes(`progress ${i}`),
        )
      }
      await writer.commit(new Map([[two, records(0, 1)]]), bytes('progress 5'))
      await writer.commit(new Map(), bytes('progress 6'))
      await writer.close()

      assert.deepEqual(await valuesIn(one), valuesOf(records(0, 15)))
      assert.deepEqual(await valuesIn(other), valuesOf(records(0, 5, 'other ')))
      assert.deepEqual(await valuesIn(two), ['0'])
      const successor = await log.openWriter(id, PROGRESS)
      assert.equal(textOf(successor.progress), 'progress 6')
      await successor.close()
      assert.match((await log.describeTopic(PROGRESS))?.cleanupPolicy ?? '', /compact/)
    })

    it('commits more in one transaction than one request or batch holds, in order', async () => {
      const partition = await subject.topic()
      const padding = 'x'.repeat(3_000)
      const made = records(0, 3_000, padding)
      made.splice(1_500, 0, { key: null, value: Buffer.alloc(3 << 20, 'y') })
      const writer = await subject.log.openWriter(newId(), PROGRESS)
      await writer.commit(new Map([[partition, made]]), bytes('all'))
      await writer.close()
      const seen = await valuesIn(partition)
      assert.equal(seen.length, made.length)
      assert.deepEqual(
        seen.map((value) => value?.slice(-8)),
        valuesOf(made).map((value) => value?.slice(-8)),
      )
    })

    it('keeps the progress of each id apart, and empty progress is progress', async () => {
      const [one, two] = [newId(), newId()]
      const first = await subject.log.openWriter(one, PROGRESS)
      await first.commit(new Map(), new Uint8Array())
      await first.close()
      const other = await subject.log.openWriter(two, PROGRESS)
      assert.equal(other.progress, undefined)
      await other.close()
      const again = await subject.log.openWriter(one, PROGRESS)
      assert.equal(textOf(again.progress), '')
      await again.close()
    })

    it('fences a zombie: its commit is refused, changes nothing, and is not seen by its successor', async () => {
      const { log, harness } = subject
      const partition = await subject.topic()
      const id = newId()
      const elsewhere = await harness.open()
      const zombie = await elsewhere.openWriter(id, PROGRESS)
      await zombie.commit(new Map([[partition, records(0, 2)]]), bytes('zombie 1'))
      const successor = await log.openWriter(id, PROGRESS)
      assert.equal(textOf(successor.progress), 'zombie 1')

      const attempt = zombie.commit(new Map([[partition, records(90, 95)]]), bytes('zombie 2'))
      await assert.rejects(attempt, { code: 'QRT_LOG_FENCED', indefinite: false })
      await successor.commit(new Map([[partition, records(2, 4)]]), bytes('successor'))
      await assert.rejects(zombie.commit(new Map(), bytes('zombie 3')), { code: 'QRT_LOG_FENCED' })
      await zombie.close()
      await successor.close()
      await elsewhere.close()

      assert.deepEqual(await valuesIn(partition), valuesOf(records(0, 4)))
      const last = await log.openWriter(id, PROGRESS)
      assert.equal(textOf(last.progress), 'successor')
      await last.close()
    })

    it('has no more use for a writer after a failure, and no trace of what failed', async () => {
      const { log } = subject
      const partition = await subject.topic()
      const id = newId()
      const writer = await log.openWriter(id, PROGRESS)
      await writer.commit(new Map([[partition, records(0, 1)]]), bytes('good'))
      const nowhere = { topic: `nowhere-${process.pid}`, partition: 0 }
      const mixed = new Map([
        [partition, records(50, 60)],
        [nowhere, records(0, 1)],
      ])
      await assert.rejects(writer.commit(mixed, bytes('bad')), { code: 'QRT_TOPIC_UNKNOWN', indefinite: false })
      await assert.rejects(writer.commit(new Map([[partition, records(60, 61)]]), bytes('worse')), /open a new one/)
      await writer.close()
      await writer.close()

      const next = await log.openWriter(id, PROGRESS)
      assert.equal(textOf(next.progress), 'good')
      await next.commit(new Map([[partition, records(1, 2)]]), bytes('better'))
      await next.close()
      assert.deepEqual(await valuesIn(partition), ['0', '1'])
    })

    it('takes the commits of several ids at once, each whole and in its order', async () => {
      const { log } = subject
      const partition = await subject.topic(2)
      const other = { ...partition, partition: 1 }
      const names = ['a', 'b', 'c', 'd'].map((letter) => ({ letter, id: newId() }))
      await Promise.all(
        names.map(async ({ letter, id }) => {
          const writer = await log.openWriter(id, PROGRESS)
          for (let i = 0; i < 8; i++) {
            const made = records(i * 2, i * 2 + 2, letter)
            await writer.commit(
              new Map([
                [partition, made],
                [other, made],
              ]),
              bytes(`${letter}${i}`),
            )
          }
          await writer.close()
        }),
      )
      for (const each of [partition, other]) {
        const seen = await valuesIn(each)
        assert.equal(seen.length, 64)
        for (const { letter } of names) {
          assert.deepEqual(
            seen.filter((value) => value?.startsWith(letter)),
            valuesOf(records(0, 16, letter)),
          )
        }
      }
      for (const { letter, id } of names) {
        const writer = await log.openWriter(id, PROGRESS)
        assert.equal(textOf(writer.progress), `${letter}7`)
        await writer.close()
      }
    })

    it('leaves nothing of a commit whose process is killed in the middle', async () => {
      const { log, harness } = subject
      const partition = await subject.topic()
      const id = newId()
      const writer = await log.openWriter(id, PROGRESS)
      await writer.commit(new Map([[partition, records(0, 3)]]), bytes('before'))
      await writer.close()

      await killWhileCommitting({ harness, partition, id, progressTopic: PROGRESS })

      const successor = await log.openWriter(id, PROGRESS)
      assert.equal(textOf(successor.progress), 'before')
      await successor.commit(new Map([[partition, records(3, 5)]]), bytes('after'))
      await successor.close()
      assert.deepEqual(await valuesIn(partition), valuesOf(records(0, 5)))
    })
  })
}
