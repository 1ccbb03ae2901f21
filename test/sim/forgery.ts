/** Somebody else writes to the topic between two stages: a slice as it was, but signed by nobody. */
import { encodeStored } from '../../mesh/index.ts'
import { decodeSlice, encodeSlice } from '../../src/commit/slice.ts'
import type { SimulatedLog } from './log.ts'

/** The partition that it went to; undefined: there is no such topic, or nothing in it. */
export function forgeSlice(log: SimulatedLog): number | undefined {
  const topic = log.topics().find((name) => name.includes('shuffle'))
  for (const [index, partition] of log.partitionsOf(topic ?? '').entries()) {
    const value = partition.records.at(-1)?.value
    if (value === null || value === undefined) continue
    const { certificate, ...slice } = decodeSlice(value)
    const forged = encodeSlice({ ...slice, certificate: encodeStored({ ...certificate, signers: [] }) })
    partition.append([{ key: null, value: forged }], log.clock.now())
    return index
  }
  return undefined
}
