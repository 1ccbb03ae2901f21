import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { leafDigest, merkleRoot } from '../../../mesh/index.ts'
import { ShuffleSink } from '../../../src/commit/sinks/shuffle.ts'
import type { Log } from '../../../src/log/log.ts'
import { MemoryLog } from '../../contract/memory-log.ts'
import { sinkContract } from '../../contract/sink.contract.ts'
import { batch, bodyPerPartition, identity, row } from '../../contract/sink-batches.ts'
import { type LogSink, logHarness, memoryLog, rowsOfSlice } from './log-harness.ts'

const PARTITIONS = 3
const sink: LogSink = {
  partitions: PARTITIONS,
  layout: bodyPerPartition(PARTITIONS),
  create: (topic, log) => new ShuffleSink(topic, PARTITIONS, log),
  rowsOf: rowsOfSlice,
}

sinkContract('shuffle sink on a log in memory', async () => logHarness(sink, await memoryLog()))

describe('the shuffle sink', () => {
  const unit = identity()
  const layout = bodyPerPartition(PARTITIONS)

  it('creates its topic, and sends nothing to a partition that gets no rows', async () => {
    const log = new MemoryLog()
    const session = await new ShuffleSink('inner', PARTITIONS, log as unknown as Log).open(unit)
    await session.write([batch(unit, { seq: 1, part: 0 }, undefined, [row(0, '"a"', '1')], layout)])
    assert.deepEqual(await log.describeTopic('inner'), {
      ...{ name: 'inner', partitions: PARTITIONS, cleanupPolicy: 'delete', retentionMs: -1 },
    })
    const counts = [0, 1, 2].map((partition) => log.recordsOf({ topic: 'inner', partition }).length)
    assert.deepEqual(counts.toSorted(), [0, 0, 1])
  })

  it('sends nothing that is not what was certified', async () => {
    const log = new MemoryLog()
    const session = await new ShuffleSink('inner', PARTITIONS, log as unknown as Log).open(unit)
    const good = batch(unit, { seq: 1, part: 0 }, undefined, [row(0, '"a"', '1')], layout)
    const forged = { ...good, outDigest: merkleRoot([leafDigest('something else')]) }
    await assert.rejects(session.write([forged]), {
      code: 'QRT_SINK_REFUSED',
      message: /not those that were certified/,
    })
    assert.equal(await session.write([good]), 'written')
  })
})
