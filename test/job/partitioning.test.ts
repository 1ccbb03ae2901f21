import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { parseJob } from '../../src/job/parse.ts'
import { isPartitioned } from '../../src/job/partitioning.ts'

/** Whether a job with these steps needs no shuffle, its topic being partitioned by `by`. */
function keeps(by: string | readonly string[] | undefined, steps: readonly object[]): boolean {
  const job = {
    name: 'a',
    source: { topic: 't', ...(by === undefined ? {} : { partitionedBy: by }) },
    pipeline: steps,
    quorum: { replicas: 1, write: 1, read: 1 },
  }
  return isPartitioned(parseJob(JSON.stringify(job), 'json', 'job'))
}

describe('a source that is partitioned by the key', () => {
  it('says the same expressions in the same order', () => {
    assert.equal(keeps('origin', [{ keyBy: 'origin' }]), true)
    assert.equal(keeps('origin', [{ keyBy: ['origin'] }]), true)
    assert.equal(keeps(' origin ', [{ keyBy: 'origin' }]), true)
    assert.equal(keeps(['a', 'b.c'], [{ keyBy: ['a', 'b.c'] }]), true)
    assert.equal(keeps('size(a)', [{ keyBy: 'size(a)' }]), true)
  })

  it('does not say others, fewer, more, or in another order', () => {
    assert.equal(keeps(undefined, [{ keyBy: 'origin' }]), false)
    assert.equal(keeps('origin', []), false)
    assert.equal(keeps('origin', [{ keyBy: 'destination' }]), false)
    assert.equal(keeps(['a', 'b'], [{ keyBy: ['b', 'a'] }]), false)
    assert.equal(keeps(['a', 'b'], [{ keyBy: ['a'] }]), false)
    assert.equal(keeps(['a'], [{ keyBy: ['a', 'b'] }]), false)
    // The same meaning in other letters is not looked for.
    assert.equal(keeps('a.b', [{ keyBy: 'a["b"]' }]), false)
  })

  it('is still partitioned by it after steps that leave its names alone', () => {
    assert.equal(keeps('a', [{ filter: 'a > 1' }, { keyBy: 'a' }]), true)
    assert.equal(keeps('a', [{ compute: { b: 'a + 1' } }, { keyBy: 'a' }]), true)
    assert.equal(keeps('a', [{ compute: { a: 'a' } }, { keyBy: 'a' }]), true)
    assert.equal(keeps('a', [{ map: { a: 'a', b: 'c' } }, { keyBy: 'a' }]), true)
  })

  it('is not once a step gave one of its names to something else', () => {
    assert.equal(keeps('a', [{ compute: { a: 'b' } }, { keyBy: 'a' }]), false)
    assert.equal(keeps('a', [{ compute: { a: 'a + 1' } }, { keyBy: 'a' }]), false)
    assert.equal(keeps('a', [{ map: { a: 'b', b: 'a' } }, { keyBy: 'a' }]), false)
    assert.equal(keeps('a', [{ map: { a: 'b' } }, { map: { a: 'a' } }, { keyBy: 'a' }]), false)
    assert.equal(keeps('a + b', [{ compute: { b: '1' } }, { keyBy: 'a + b' }]), false)
  })

  it('is not where a word is none of the names that a map makes, though it be no field', () => {
    assert.equal(keeps('size(a)', [{ map: { a: 'a' } }, { keyBy: 'size(a)' }]), false)
  })
})
