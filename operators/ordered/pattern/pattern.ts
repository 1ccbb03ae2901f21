/**
 * Patterns of records: each match is a row, made at the last record of the match and identified by that and a number. What a pattern
 * means is in runs.ts, which matches come out where they overlap in key-matches.ts.
 */
import { Deadlines } from '../../deadlines.ts'
import { EvaluationError, OVERFLOW } from '../../errors.ts'
import { canonicalJson, encodeUtf8, type Value } from '../../json.ts'
import { compareTexts } from '../../pipeline-key.ts'
import type { StateReader, StateWriter } from '../../snapshot.ts'
import type { OrderedOperator, OrderedRecord } from '../operator.ts'
import type { OrderedOutput } from '../output.ts'
import type { PatternPlan } from '../plan.ts'
import { readMatches, writeMatches } from './codec.ts'
import { eventsOf } from './events.ts'
import { KeyMatches } from './key-matches.ts'
import { PATTERN_LIMITS } from './limits.ts'
import { compilePattern, type PatternProgram } from './program.ts'
import type { Match } from './runs.ts'

const NONE = new Uint8Array()

export class Pattern implements OrderedOperator {
  readonly #program: PatternProgram
  readonly #keys = new Map<string, KeyMatches>()
  readonly #deadlines = new Deadlines<KeyMatches>()
  /** Of which time alone can make a match. */
  readonly #owing = new Set<KeyMatches>()

  constructor(plan: PatternPlan) {
    this.#program = compilePattern(plan)
  }

  take(record: OrderedRecord, output: OrderedOutput): void {
    const { key, time } = record
    const matches = this.#keys.get(key) ?? new KeyMatches(key, this.#program)
    if (matches.deadline <= time) this.#give(key, matches.expire(time), output)
    try {
      const found = matches.take(record)
      if (found === undefined) output.deadLetter('QRT_PATTERN_SIZE', record)
      else this.#give(key, found, output)
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      output.deadLetter(error.code, record)
    }
    this.#keep(matches)
  }

  #keep(matches: KeyMatches): void {
    if (matches.empty) this.#keys.delete(matches.key)
    else this.#keys.set(matches.key, matches)
    if (matches.owes) this.#owing.add(matches)
    else this.#owing.delete(matches)
    this.#deadlines.queue(matches)
  }

  advance(time: number, output: OrderedOutput): void {
    for (
      let { least } = this.#deadlines;
      least <= time && least < Number.POSITIVE_INFINITY;
      least = this.#deadlines.least
    ) {
      for (const matches of inOrder(this.#deadlines.take(least))) {
        this.#give(matches.key, matches.expire(least), output)
        this.#keep(matches)
      }
    }
    if (time < Number.POSITIVE_INFINITY) return
    for (const matches of inOrder([...this.#keys.values()])) this.#give(matches.key, matches.expire(time), output)
    this.#clear()
  }

  #clear(): void {
    this.#keys.clear()
    this.#deadlines.clear()
    this.#owing.clear()
  }

  #give(key: string, matches: readonly Match[], output: OrderedOutput): void {
    for (const match of matches) {
      const { record } = match.last
      try {
        const index = record.index * PATTERN_LIMITS.matchesPerRecord + match.number
        output.record(record, index, key, encodeUtf8(this.#row(match)))
      } catch (error) {
        if (!(error instanceof EvaluationError)) throw error
        output.deadLetter(error.code, record)
      }
    }
  }

  #row({ last }: Match): string {
    const { select, stages, whole } = this.#program
    const row = new Map<string, Value>()
    if (select === undefined) {
      stages.forEach(({ name, many, missable }, index) => {
        const values = eventsOf(last, index).map(({ values }) => values[whole] as Value)
        if (many) row.set(name, values)
        else if (values.length > 0 || missable) row.set(name, values[0] ?? null)
      })
    } else for (const [name, value] of select) row.set(name, shown(value(last.record, last)))
    return canonicalJson(row)
  }

  openRows(): Uint8Array {
    return NONE
  }

  get owedFrom(): number {
    return this.#owing.size > 0 ? this.#deadlines.least : Number.POSITIVE_INFINITY
  }

  get closesAt(): number {
    let last = Number.NEGATIVE_INFINITY
    for (const { runs } of this.#owing) {
      for (const run of runs) last = Math.max(last, run.last.first.time + this.#program.withinMs)
    }
    return last === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : last
  }

  get groups(): number {
    let runs = 0
    for (const matches of this.#keys.values()) runs += matches.runs.length
    return runs
  }

  /** Of records no more than their number is looked at: partial matches share them. */
  get bytes(): number {
    return 200 * this.#keys.size + 240 * this.groups
  }

  write(writer: StateWriter): void {
    writer.varint(this.#keys.size)
    for (const matches of inOrder([...this.#keys.values()])) {
      writer.text(matches.key)
      writeMatches(matches, writer)
    }
  }

  read(reader: StateReader): void {
    this.#clear()
    for (let left = reader.varint(); left > 0; left--) {
      const matches = new KeyMatches(reader.text(), this.#program)
      readMatches(matches, reader)
      this.#keep(matches)
    }
  }
}

const inOrder = (keys: KeyMatches[]): KeyMatches[] => keys.sort((a, b) => compareTexts(a.key, b.key))

function shown(value: Value): Value {
  if (typeof value === 'number' && value - value !== 0) throw OVERFLOW
  return value
}
