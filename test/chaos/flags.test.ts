/** The flags of the scripts that play faults. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { flagsOf } from './flags.ts'

describe('the flags of a script', () => {
  const given = (...argv: string[]) => flagsOf(argv, { case: 'starved,wire', runs: '20' })

  it('are its own, with their defaults, and the form of what it prints', () => {
    assert.deepEqual({ ...given().text }, { case: 'starved,wire', runs: '20', output: 'text' })
    assert.deepEqual([given().json, given().number('runs')], [false, 20])
    const flags = given('--runs', '3', '-o', 'json')
    assert.deepEqual([flags.json, flags.number('runs'), flags.text.case], [true, 3, 'starved,wire'])
  })

  it('that are none, or no number of runs, end it before anything is said to be well', () => {
    assert.throws(() => given('--rusn', '3'), /--rusn/)
    for (const runs of ['0', 'three', '']) {
      assert.throws(() => given('--runs', runs).number('runs'), /--runs: expected a number above 0/)
    }
  })
})
