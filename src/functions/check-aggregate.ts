/**
 * Whether an aggregate gives what its samples say, however the records come together: one after another in either order, as two halves
 * that are merged, with the state of nothing on each side, and through the bytes of a snapshot. An aggregate that is not free of order would give
 * one row when a window is filled at once, and another through a shuffle.
 */
import {
  canonicalJson,
  emptyState,
  mergedState,
  type OwnState,
  resultOfState,
  stateOfRecord,
  stateOfValue,
  type UserAggregate,
  valueOfState,
} from '../../operators/index.ts'
import { codeOf, textOf, valueFrom } from './sample.ts'

type Sample = readonly [records: readonly (readonly unknown[])[], result: unknown]

export function checkAggregate(
  name: string,
  own: UserAggregate,
  samples: readonly Sample[],
  invalid: (what: string) => Error,
): void {
  if (!samples.some(([records]) => records.length > 1)) {
    throw invalid(`${name}: expected a sample of two records or more, so that merge is tried`)
  }
  for (const [records, expected] of samples) {
    const shown = `${name} of ${textOf(records)}`
    if (records.some((values) => values.length !== own.args.length)) {
      throw invalid(`expected ${own.args.length} arguments for each record in the sample ${shown}`)
    }
    const wanted = textOf(expected)
    for (const { how, merged } of WAYS) {
      const found = outcome(own, records, merged)
      if (found.failure !== undefined) {
        throw invalid(
          `the sample ${shown} fails with ${found.failure}, ${how}: an argument, a state or the result is not of its type, or it throws`,
        )
      }
      if (found.text !== wanted)
        throw invalid(`expected the sample ${shown} to give ${wanted}; found ${found.text}, ${how}`)
    }
    const added = attempt(own, () => eachAdded(own, records))
    if (added.text === wanted) continue
    const found = added.text ?? added.failure
    throw invalid(
      `expected the sample ${shown} to give ${wanted}; found ${found}, with each record added to those before`,
    )
  }
}

/** States of the records to one. */
type Merge = (own: UserAggregate, states: readonly OwnState[]) => OwnState

const oneAfterAnother: Merge = (own, states) =>
  states.reduce((all, next) => mergedState(own, copied(all), copied(next)), emptyState(own))

const asHalves: Merge = (own, states) => {
  const [only] = states
  if (only === undefined) return emptyState(own)
  if (states.length === 1) return copied(only)
  const middle = states.length >> 1
  return mergedState(own, asHalves(own, states.slice(0, middle)), asHalves(own, states.slice(middle)))
}

const WAYS: readonly { readonly how: string; readonly merged: Merge }[] = [
  { how: 'with each record merged into those before', merged: oneAfterAnother },
  { how: 'with the records in the opposite order', merged: (own, states) => oneAfterAnother(own, states.toReversed()) },
  { how: 'with halves that are merged', merged: asHalves },
  {
    how: 'with the state of nothing merged in',
    merged: (own, states) => mergedState(own, asHalves(own, states), emptyState(own)),
  },
]

/** As a snapshot gives it back. */
const copied = (state: OwnState): OwnState => stateOfValue(valueOfState(state))

function outcome(own: UserAggregate, records: Sample[0], merged: Merge) {
  return attempt(own, () => {
    const states = records.flatMap((values) => stateOfRecord(own, values.map(valueFrom)) ?? [])
    return merged(own, states)
  })
}

function attempt(own: UserAggregate, state: () => OwnState): { readonly text?: string; readonly failure?: string } {
  try {
    return { text: canonicalJson(resultOfState(own, state())) }
  } catch (error) {
    return { failure: codeOf(error) }
  }
}

/** Nothing adds a record to others by itself; but code that says something else there than merge does is not what was meant. */
function eachAdded(own: UserAggregate, records: Sample[0]): OwnState {
  let all = emptyState(own)
  for (const values of records) {
    const { plain } = copied(all)
    all = stateOfRecord({ ...own, init: () => plain }, values.map(valueFrom)) ?? all
  }
  return all
}
