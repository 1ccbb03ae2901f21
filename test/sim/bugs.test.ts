/** Rules broken on purpose are found: the quickest of them here, and all of them by `npm run sim -- --bugs`. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { PLANTED_BUGS, type PlantedBug, planted } from '../../mesh/planted.ts'
import { ALL_BUGS, findBug, tableOf } from './bugs.ts'
import { CHECKS, type Check } from './violation.ts'

const FIRST_SEEDS = [1, 2, 3, 4, 5, 6, 7, 8]
const FAULTS_MS = 20_000

const QUICK: readonly (readonly [PlantedBug, Check])[] = [
  ['vote-before-sync', 'durable first'],
  ['few-votes', 'W signers'],
  ['progress-unread', 'complete'],
  ['base-left-behind', 'nothing left out'],
  ['decision-at-fetch', 'nobody diverges'],
  ['input-left-out', 'input as in the log'],
]

describe('a rule that is broken on purpose', () => {
  for (const [bug, check] of QUICK) {
    it(`is found: ${PLANTED_BUGS[bug]}`, async () => {
      const found = await findBug(bug, { seeds: FIRST_SEEDS, faultsMs: FAULTS_MS, workers: 1 })
      assert.equal(found.check, check, `${found.violation}`)
    })
  }

  it('is not broken outside of the simulator', () => {
    assert.deepEqual(ALL_BUGS.filter(planted), [])
  })
})

describe('the README of the simulator', () => {
  const text = readFileSync(new URL('README.md', import.meta.url), 'utf8')

  it('has every bug in its table, found, and by a check that there is', () => {
    for (const bug of ALL_BUGS) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`${bug}\` |`))
      const [, , , seeds, check] = (row ?? '').split('|').map((cell) => cell.trim())
      assert.match(seeds ?? '', /^\d+$/, `${bug}: ${row}`)
      assert.ok(check !== undefined && check in CHECKS, `${bug}: ${row}`)
    }
  })

  it('says what each check holds', () => {
    for (const [check, what] of Object.entries(CHECKS)) assert.ok(text.includes(`| ${check} | ${what} |`), check)
  })

  it('has the head of the table as the command prints it', () => {
    for (const line of tableOf([]).split('\n')) assert.ok(text.includes(line), line)
  })
})
