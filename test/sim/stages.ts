/**
 * What simulated peers compute with: the production operators, and around them what can be wrong with a peer. Version 2 of
 * the operators writes a space more into each row; a peer can compute wrongly, once or always; and a record can end workers.
 */
import {
  type CutOutput,
  createStage,
  type OpenRange,
  type RecordBatch,
  ROW_RECORD,
  ROW_WINDOW,
  RowWriter,
  readRows,
  type StageProcessor,
} from '../../operators/index.ts'
import { QuorateError } from '../../src/errors.ts'
import type { StageMaker } from '../../src/replica/worker.ts'

/** In a record's text: takers of it fail in this way. */
export const POISONS = ['throw', 'end', 'hang'] as const
export type Poison = (typeof POISONS)[number]
export const poisonOf = (value: Uint8Array | null): Poison | undefined => {
  if (value === null || !Buffer.from(value.buffer, value.byteOffset, value.length).includes('"poison"'))
    return undefined
  return POISONS.find((poison) => Buffer.from(value).includes(`"${poison}"`))
}

export interface Quirks {
  wrong: 'never' | 'once' | 'always' | 'everyOther'
  /** What its wrong results are wrong by: no two peers are wrong in the same way. */
  readonly error: number
  /** Cuts with rows so far: a machine that is wrong now and then computes the same cut differently each time. */
  cuts: number
  /** It hands over other bytes than it has. */
  givesWrong: boolean
  /** Determinism versions of the release that is installed. */
  versions: readonly number[]
}

/** @param onEnd a record has ended the worker, or keeps it for ever: nothing that it says later is heard */
export const simulatedStages =
  (quirks: Quirks, onEnd: (hangs: boolean) => void): StageMaker =>
  (plan, { partition, version }) => {
    if (!quirks.versions.includes(version)) {
      throw new QuorateError('QRT_VERSION_UNSUPPORTED', `this simulated release does not know version ${version}`)
    }
    return new SimulatedStage(createStage(plan, { partition }), quirks, version, plan.input.kind === 'records', onEnd)
  }

class SimulatedStage implements StageProcessor {
  readonly #inner: StageProcessor
  readonly #quirks: Quirks
  readonly #version: number
  readonly #readsRecords: boolean
  readonly #onEnd: (hangs: boolean) => void

  constructor(
    inner: StageProcessor,
    quirks: Quirks,
    version: number,
    readsRecords: boolean,
    onEnd: (hangs: boolean) => void,
  ) {
    this.#inner = inner
    this.#quirks = quirks
    this.#version = version
    this.#readsRecords = readsRecords
    this.#onEnd = onEnd
  }

  run(batch: RecordBatch, from: number, to: number): number {
    if (!this.#readsRecords) return this.#inner.run(batch, from, to)
    for (let i = from; i < to; i++) {
      const poison = poisonOf(batch.value(i))
      if (poison === undefined) continue
      if (i > from) return this.#inner.run(batch, from, i)
      if (poison !== 'throw') this.#onEnd(poison === 'hang')
      throw new TypeError('a simulated fault of the operators')
    }
    return this.#inner.run(batch, from, to)
  }

  cut(): CutOutput {
    const output = this.#inner.cut()
    if (this.#version === 1 && this.#quirks.wrong === 'never') return output
    let wrong = false
    const parts = output.parts.map((part) => ({
      ...part,
      bodies: part.bodies.map((body) => {
        const spoiled = !wrong && body.length > 0 && this.#isWrong()
        wrong ||= spoiled
        return rewritten(body, this.#version > 1, spoiled ? this.#quirks.error : 0)
      }),
    }))
    if (wrong && this.#quirks.wrong === 'once') this.#quirks.wrong = 'never'
    return { ...output, parts }
  }

  /** To be asked once for each body with rows. */
  #isWrong(): boolean {
    this.#quirks.cuts += 1
    const { wrong, cuts } = this.#quirks
    return wrong !== 'never' && (wrong !== 'everyOther' || cuts % 2 === 1)
  }

  get cutDue() {
    return this.#inner.cutDue
  }
  get pending() {
    return this.#inner.pending
  }
  get canIdle() {
    return this.#inner.canIdle
  }
  get watermark() {
    return this.#inner.watermark
  }
  get stateBytes() {
    return this.#inner.stateBytes
  }
  get openWindows() {
    return this.#inner.openWindows
  }
  decide(kind: 'cut' | 'idle' | 'final') {
    this.#inner.decide(kind)
  }
  pass(why: 'lost' | 'quarantined', from: number, to: number) {
    this.#inner.pass(why, from, to)
  }
  forget(watermark: number, cuts: number) {
    this.#inner.forget(watermark, cuts)
  }
  openRows(range: OpenRange) {
    return this.#inner.openRows(range)
  }
  snapshot() {
    return this.#inner.snapshot()
  }
  restore(bytes: Uint8Array) {
    this.#inner.restore(bytes)
  }
}

/** `spaced`: rows in JSON end in a space. `error`: what the first row is wrong by. */
function rewritten(body: Uint8Array, spaced: boolean, error: number): Uint8Array {
  const writer = new RowWriter()
  let wrongBy = error
  for (const { kind, flags, a, b, revision, key, value } of readRows(body)) {
    const text = kind === ROW_WINDOW || kind === ROW_RECORD
    const said = spaced && text ? Buffer.concat([value, Buffer.from(' ')]) : value
    writer.append(kind, flags, a + wrongBy, b, revision, key, said)
    wrongBy = 0
  }
  return writer.take()
}
