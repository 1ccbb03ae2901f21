/**
 * An aggregate of a module (expression/user-aggregates.ts). Where two states cannot be merged, because the code throws or the result
 * is too large, the records are in the window already, and none of them is more to blame than the other: the aggregate is null from
 * then on, for that window and key.
 *
 *   state = u8 form: 0 nothing yet   1 a state, and its value (value-codec.ts)   2 failed
 */
import { EvaluationError, OperatorError } from '../errors.ts'
import {
  emptyState,
  mergedState,
  type OwnState,
  resultOfState,
  stateOfValue,
  type UserAggregate,
  valueOfState,
} from '../expression/user-aggregates.ts'
import { canonicalJson, type Value } from '../json.ts'
import type { StateReader, StateWriter } from '../snapshot.ts'
import { readValue, writeValue } from '../value-codec.ts'
import type { AggregateState } from './state.ts'

const NOTHING = 0
const STATE = 1
const FAILED = 2

export class OwnAggregateState implements AggregateState {
  readonly #own: UserAggregate
  #state: OwnState | undefined
  #failed = false

  constructor(own: UserAggregate) {
    this.#own = own
  }

  /** @param given a list with the state of one record */
  add(given: Value): void {
    const [state] = given as readonly Value[]
    this.#take(stateOfValue(state))
  }

  merge(reader: StateReader): void {
    const form = reader.byte()
    if (form === STATE) this.#take(stateOfValue(readValue(reader)))
    else if (form === FAILED) this.#fail()
    else if (form !== NOTHING) {
      throw new OperatorError(
        'QRT_STATE_CORRUPT',
        `an aggregate of a module has the unknown form ${form}; known are 0 to 2`,
      )
    }
  }

  #take(other: OwnState): void {
    if (this.#failed) return
    const state = this.#state
    try {
      this.#state = state === undefined ? other : mergedState(this.#own, state, other)
    } catch (error) {
      if (!(error instanceof EvaluationError)) throw error
      this.#fail()
    }
  }

  #fail(): void {
    this.#failed = true
    this.#state = undefined
  }

  write(writer: StateWriter): void {
    writer.byte(this.#failed ? FAILED : this.#state === undefined ? NOTHING : STATE)
    if (this.#state !== undefined) writeValue(valueOfState(this.#state), writer)
  }

  result(): string {
    if (this.#failed) return 'null'
    try {
      return canonicalJson(resultOfState(this.#own, this.#state ?? emptyState(this.#own)))
    } catch (error) {
      if (error instanceof EvaluationError) return 'null'
      throw error
    }
  }

  get bytes(): number {
    return 64 + (this.#state?.size ?? 0)
  }
}
