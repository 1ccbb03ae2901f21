/** Keys land in the partition where Kafka's Java client puts them. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { murmur2, partitionOf } from '../../operators/murmur2.ts'

it('hashes as org.apache.kafka.common.utils.Utils does, by the vectors of its own test', () => {
  const vectors: [string, number][] = [
    ['21', -973_932_308],
    ['foobar', -790_332_482],
    ['a-little-bit-long-string', -985_981_536],
    ['a-little-bit-longer-string', -1_486_304_829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58_897_971],
    ['abc', 479_470_107],
  ]
  for (const [key, hash] of vectors) assert.equal(murmur2(Buffer.from(key)), hash, key)
})

it('takes the partition from the hash without its sign', () => {
  assert.equal(partitionOf(Buffer.from('foobar'), 7), (-790_332_482 & 0x7fffffff) % 7)
  assert.equal(partitionOf(Buffer.from('abc'), 1), 0)
})
