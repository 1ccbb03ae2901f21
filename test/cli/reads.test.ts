/** What a unit reads, as tables of units say it. */
import assert from 'node:assert/strict'
import { it } from 'node:test'
import { readsText } from '../../src/cli/reads.ts'

it('a unit reads a partition of its source, or of the shuffle to its stage', () => {
  assert.equal(readsText({ stage: 0, topic: 'flights', partition: 3 }), 'flights[3]')
  const topic = 'quorate-shuffle-job-0123456789ab-1-2'
  assert.equal(readsText({ stage: 1, topic, partition: 0 }), 'shuffle to stage 1 [0]')
  assert.equal(readsText({ stage: 2, topic, partition: 0 }), 'shuffle to stage 2 [0]')
})
