/**
 * Steps on the rows that aggregates give: which are shown, and with what fields. What every row has besides its aggregates, such as
 * key, window and `final`, stays as it is.
 */
import { canonicalJson, encodeUtf8, type Value } from './json.ts'
import { RecordProgram } from './pipeline-record.ts'
import type { StagePlan, StepPlan } from './plan.ts'
import { keyNames, ownMembers, RowReader } from './row-reader.ts'
import type { WindowBounds } from './window.ts'

export class RowSteps {
  readonly #own: readonly string[]
  readonly #reader: RowReader
  readonly #program: RecordProgram
  /** Slots of the whole row before the steps, and of all fields after them; -1: they change none. */
  readonly #before: number
  readonly #after: number

  constructor(plan: StagePlan, after: readonly StepPlan[]) {
    const names = plan.aggregates.map(({ name }) => name)
    this.#own = ownMembers(plan.ordered?.kind)
    this.#reader = new RowReader(this.#own, keyNames(plan.keyBy, [...names, ...this.#own]))
    const { scope } = this.#reader
    this.#program = new RecordProgram(after, scope)
    if (this.#program.explodes) throw new RangeError('a row cannot become several')
    const changes = after.some(({ kind }) => kind !== 'filter')
    this.#before = changes ? scope.fields.slotOf([]) : -1
    this.#after = changes ? this.#program.fields.slotOf([]) : -1
    this.#program.link()
    this.#reader.link()
  }

  /** The row as it is shown; undefined: it is not. `window`: of a row of one. */
  run(value: Uint8Array, window: WindowBounds | undefined): Uint8Array | undefined {
    this.#reader.read(value, window)
    if (!this.#program.run()) return undefined
    if (this.#after < 0) return value
    const before = mapOf(this.#reader.scope.slots[this.#before])
    const made = new Map(mapOf(this.#program.slots[this.#after]))
    for (const name of this.#own) made.set(name, before.get(name))
    return encodeUtf8(canonicalJson(made))
  }
}

const NO_FIELDS: ReadonlyMap<string, Value> = new Map()

const mapOf = (value: Value): ReadonlyMap<string, Value> => (value instanceof Map ? value : NO_FIELDS)
