/** The document as the methods of a stream write it, with the place of each part. */
import { checkJob } from './check.ts'
import { type Cel, type Condition, comparisonText, conditionText, textOf } from './expression.ts'
import { Job } from './job.ts'
import type { Duration, JobOptions, Sink, Window } from './options.ts'
import { calledFrom, type Place } from './place.ts'

interface Parts {
  readonly source?: object
  readonly sources?: Readonly<Record<string, object>>
  readonly join?: object
  readonly joins?: readonly object[]
  readonly pipeline: readonly object[]
  readonly sinks: readonly Sink[]
  readonly deadLetters?: Sink
}

export type Places = ReadonlyMap<string, Place | undefined>

type Operands = Readonly<Record<string, string | Cel>>

/** The document as far as it is written. Never changed: a stream can be gone on from in two ways. */
export class Building {
  readonly #parts: Parts
  readonly #places: Places

  constructor(parts: Parts, places: Places) {
    this.#parts = parts
    this.#places = places
  }

  /** As one of several sources: with steps of its own. */
  asSource(pointer: string): { readonly part: object; readonly places: Places } {
    const { source, pipeline } = this.#parts
    const places = [...this.#places].map(([at, place]) => {
      return [at === '/source' ? pointer : `${pointer}${at}`, place] as const
    })
    return { part: { ...source, ...(pipeline.length === 0 ? {} : { pipeline }) }, places: new Map(places) }
  }

  #with(parts: Partial<Parts>, pointer: string): Building {
    return new Building({ ...this.#parts, ...parts }, new Map([...this.#places, [pointer, calledFrom()]]))
  }

  #step(step: object): Building {
    const { pipeline } = this.#parts
    return this.#with({ pipeline: [...pipeline, step] }, `/pipeline/${pipeline.length}`)
  }

  filter(condition: Condition, comparison?: string, value?: unknown): Building {
    const path = conditionText(condition)
    return this.#step({ filter: comparison === undefined ? path : comparisonText(path, comparison, value) })
  }

  map(fields: Operands): Building {
    return this.#step({ map: textsOf(fields) })
  }

  compute(fields: Operands): Building {
    return this.#step({ compute: textsOf(fields) })
  }

  project(...fields: string[]): Building {
    return this.#step({ project: fields })
  }

  drop(...fields: string[]): Building {
    return this.#step({ drop: fields })
  }

  rename(fields: Readonly<Record<string, string>>): Building {
    return this.#step({ rename: fields })
  }

  cast(fields: Readonly<Record<string, string>>): Building {
    return this.#step({ cast: fields })
  }

  explode(list: string | Cel, as: string, index?: string): Building {
    return this.#step({ explode: { list: textOf(list), as, ...(index === undefined ? {} : { index }) } })
  }

  keyBy(...keys: (string | Cel)[]): Building {
    const [first, ...others] = keys.map(textOf)
    return this.#step({ keyBy: others.length === 0 ? first : [first, ...others] })
  }

  window(window: Window): Building {
    return this.#step({ window })
  }

  aggregate(aggregates: Readonly<Record<string, string | Operands>>): Building {
    const texts = Object.entries(aggregates).map(([name, given]) => [name, aggregateText(given)])
    return this.#step({ aggregate: Object.fromEntries(texts) })
  }

  time(options: object): Building {
    return this.#step({ time: options })
  }

  rolling(over: object): Building {
    return this.#step({ rolling: over })
  }

  dedupe({ by, within }: { readonly by: string | Cel; readonly within: Duration }): Building {
    return this.#step({ dedupe: { by: textOf(by), within } })
  }

  changes({ of }: { readonly of: string | Cel }): Building {
    return this.#step({ changes: { of: textOf(of) } })
  }

  pattern(pattern: object): Building {
    return this.#step({ pattern })
  }

  to(sink: Sink, { where }: { readonly where?: Condition } = {}): Building {
    const { sinks } = this.#parts
    const branch = where === undefined ? sink : { ...sink, where: conditionText(where) }
    return this.#with({ sinks: [...sinks, branch] }, `/sinks/${sinks.length}`)
  }

  deadLetters(sink: Sink): Building {
    return this.#with({ deadLetters: sink }, '/deadLetters')
  }

  job(name: string, options: JobOptions): Job {
    const known = [...this.#places, ['', calledFrom()] as const].filter(
      (entry): entry is [string, Place] => entry[1] !== undefined,
    )
    const job = new Job({ name, ...this.#parts, ...options }, new Map(known))
    checkJob(job)
    return job
  }
}

export const textsOf = (fields: Operands): Record<string, string> =>
  Object.fromEntries(Object.entries(fields).map(([name, operand]) => [name, textOf(operand)]))

/** Conditions are expressions already, and numbers stay as they are; everything else may be a path. */
function aggregateText(given: string | Operands): unknown {
  if (typeof given === 'string') return given
  const parts = Object.entries(given).map(([name, part]) => {
    if (typeof part !== 'string' && typeof part !== 'object') return [name, part]
    return [name, name === 'count' || name === 'where' ? conditionText(part) : textOf(part)]
  })
  return Object.fromEntries(parts)
}
