/**
 * Values by the rank of another: those of the records with the greatest (or least) `by`, best first; of equal ranks the earlier
 * record, by event time, source partition and offset. Numbers rank below texts and texts below booleans, so that a stream that
 * mixes them has one order as well.
 */
import { canonicalJson, encodeUtf8, integerOf, type Value } from '../json.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import { KeptValue } from './kept-value.ts'
import { type AggregateState, comparePlaces, type RecordPlace } from './state.ts'

interface Ranked {
  readonly by: Value
  readonly kept: KeptValue
}

export class RankedState implements AggregateState {
  readonly #limit: number
  readonly #sign: 1 | -1
  /** Shown as the value itself, not as a list. */
  readonly #single: boolean
  /** Best first. */
  readonly #ranked: Ranked[] = []

  constructor(kind: 'maxBy' | 'minBy' | 'topBy', limit: number) {
    this.#limit = limit
    this.#sign = kind === 'minBy' ? -1 : 1
    this.#single = kind !== 'topBy'
  }

  /** @param pair the rank and the value, as a list; a rank that is null ranks nowhere */
  add(pair: Value, place: RecordPlace): void {
    const [by, value] = pair as readonly Value[]
    if (by === null || by === undefined) return
    const at = this.#placeOf(by, place)
    if (at < this.#limit) this.#insert(at, { by, kept: new KeptValue(place, value) })
  }

  /** How many rank before. Looked for from the end: most records change nothing. */
  #placeOf(by: Value, place: Readonly<RecordPlace>): number {
    const ranked = this.#ranked
    let at = ranked.length
    while (at > 0) {
      const other = ranked[at - 1] as Ranked
      const order = compareRanks(by, other.by) * this.#sign || comparePlaces(other.kept, place)
      if (order < 0) break
      at -= 1
    }
    return at
  }

  #insert(at: number, ranked: Ranked): void {
    this.#ranked.splice(at, 0, ranked)
    if (this.#ranked.length > this.#limit) this.#ranked.pop()
  }

  merge(reader: StateReader): void {
    for (let left = reader.varint(); left > 0; left--) {
      const by = rankOf(Buffer.from(reader.bytes()).toString('utf8'))
      const kept = KeptValue.read(reader)
      const at = this.#placeOf(by, kept)
      if (at < this.#limit) this.#insert(at, { by, kept })
    }
  }

  write(writer: StateWriter): void {
    writer.varint(this.#ranked.length)
    for (const { by, kept } of this.#ranked) {
      writer.bytes(encodeUtf8(canonicalJson(by)))
      kept.write(writer)
    }
  }

  result(): string {
    if (this.#single) return this.#ranked[0]?.kept.text ?? 'null'
    return `[${this.#ranked.map(({ kept }) => kept.text).join(',')}]`
  }

  get bytes(): number {
    return this.#ranked.reduce((sum, { kept }) => sum + kept.bytes + 24, 32)
  }
}

/** Whether values can be ranked by this one. */
export const canRank = (by: Value): boolean => by === null || kindOf(by) >= 0

const kindOf = (by: Value): number => {
  switch (typeof by) {
    case 'number':
    case 'bigint':
      return 0
    case 'string':
      return 1
    case 'boolean':
      return 2
    default:
      return -1
  }
}

function compareRanks(a: Value, b: Value): number {
  const kinds = kindOf(a) - kindOf(b)
  if (kinds !== 0) return kinds
  const left = a as number
  const right = b as number
  return left < right ? -1 : left > right ? 1 : 0
}

/** A rank of its canonical JSON. */
function rankOf(text: string): Value {
  if (/^-?\d+$/.test(text)) return integerOf(text)
  return JSON.parse(text) as Value
}
