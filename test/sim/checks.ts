/**
 * What must hold, seen from outside: by what peers send one another, by the certificates they hold, and by what is at the
 * sink. Nothing of the code under test is asked whether it is right.
 */
import {
  type Certificate,
  type CutPosition,
  contentDigest,
  type Digest,
  GENESIS,
  isBehind,
  nextPosition,
  parseUnitId,
  type UnitId,
} from '../../mesh/index.ts'
import { FLAG_REMOVED, ROW_RECORD, ROW_WINDOW, readRows } from '../../operators/index.ts'
import type { Batch } from '../../src/replica/batch.ts'
import { checkInput, checkOutput, type ReadInputs } from './check-bytes.ts'
import type { SimulatedLog, StoredPartition } from './log.ts'
import { type Expected, numbered } from './oracle.ts'
import { windowName } from './oracle-windows.ts'
import { Violation } from './violation.ts'
import { SINK } from './workload.ts'

/** A row as a sink has it. */
export interface SinkRecord {
  readonly text: string
  /** Of rows that pass one by one: see sourceName. */
  readonly source?: string
}

interface Certified {
  readonly certificate: Certificate
  readonly digest: Digest
  held: boolean
  /** Its rows that a sink may have. */
  texts: readonly string[]
}

export class Checks {
  readonly #certified = new Map<UnitId, Map<string, Certified>>()
  /** By the place that must continue it. */
  readonly #before = new Map<string, { readonly digest: Digest; readonly offset: number }>()
  /** Certified rows of each unit. */
  readonly #texts = new Set<string>()
  /** Certified rows that are not at the sink yet: how many of each. */
  readonly #allowed = new Map<string, number>()
  /** Records of each partition of the sink that were looked at. */
  readonly #seen = new Map<StoredPartition, number>()
  /** Sees the rows of each certified batch: for the checks of stores. */
  onRows: (content: Certificate['content'], texts: readonly string[]) => void = () => undefined
  /** The same when nobody knows of them any more. */
  onForgotten: (content: Certificate['content'], texts: readonly string[]) => void = () => undefined
  certificates = 0
  /** Certified rows that replace an earlier one, and such that take one back. */
  readonly counts = { revised: 0, takenBack: 0 }

  /** A peer holds a certificate: there is one digest per position, and each continues the one before it. */
  certifiedBy(
    peer: string,
    certificate: Certificate,
    { goneBelow, ...read }: ReadInputs & { readonly goneBelow: () => number },
  ): void {
    const { content } = certificate
    const { unit, seq, part } = content
    const digest = contentDigest(content)
    const chain = this.#chain(unit)
    const known = chain.get(`${seq}/${part}`)
    if (known !== undefined) {
      if (known.digest !== digest)
        throw new Violation('one chain', `${peer}: two certified results for ${unit} ${seq}.${part}`)
      return
    }
    const first = seq === 1 && part === 0 ? { digest: GENESIS, offset: 0 } : undefined
    const before = this.#before.get(`${unit} ${seq}/${part}`) ?? first
    if (before !== undefined && part === 0) checkInput(read, content, Math.max(before.offset, goneBelow()))
    if (before !== undefined && content.parent !== before.digest)
      throw new Violation('one chain', `${unit} ${seq}.${part} is no link of the chain`)
    // However slow a unit is, no row that it makes of others comes late.
    if (content.counts.late > 0 && parseUnitId(unit).stage > 1)
      throw new Violation('complete', `${unit} ${seq} counts ${content.counts.late} rows of the stage before as late`)
    const next = nextPosition(content)
    this.#before.set(`${unit} ${next.seq}/${next.part}`, { digest, offset: content.offset })
    chain.set(`${seq}/${part}`, { certificate, digest, held: false, texts: [] })
    this.certificates += 1
  }

  /** The bytes that a peer holds for a certificate; the same on all of them. */
  heldBy(peer: string, { content }: Certificate, batch: Batch): void {
    const known = this.#chain(content.unit).get(`${content.seq}/${content.part}`)
    if (known === undefined) throw new Violation('certified bytes', `${peer} holds a batch without a certificate`)
    checkOutput(peer, content, batch)
    if (known.held) return
    known.held = true
    const texts: string[] = []
    for (const { kind, flags, revision, value } of readRows(batch.bodies[0] ?? new Uint8Array())) {
      if (kind !== ROW_WINDOW && kind !== ROW_RECORD) continue
      if (revision > 0) this.counts.revised += 1
      if ((flags & FLAG_REMOVED) !== 0) this.counts.takenBack += 1
      const text = textOf(value)
      texts.push(text)
      this.#texts.add(`${content.unit} ${text}`)
      this.#allowed.set(text, (this.#allowed.get(text) ?? 0) + 1)
    }
    known.texts = texts
    this.onRows(content, texts)
  }

  /** Every disk is lost: what is certified beyond these places is known to nobody any more, and may be so otherwise now. */
  lost(places: ReadonlyMap<UnitId, CutPosition>): void {
    for (const [unit, chain] of this.#certified) {
      for (const [place, { certificate, texts }] of chain) {
        if (!isBehind(places.get(unit), certificate.content)) continue
        chain.delete(place)
        const next = nextPosition(certificate.content)
        this.#before.delete(`${unit} ${next.seq}/${next.part}`)
        for (const text of texts) this.#allowed.set(text, Math.max(0, (this.#allowed.get(text) ?? 0) - 1))
        this.onForgotten(certificate.content, texts)
      }
    }
  }

  isCertifiedAt(unit: UnitId, { seq, part }: CutPosition): boolean {
    return this.#chain(unit).has(`${seq}/${part}`)
  }

  isCertified(unit: UnitId, text: string): boolean {
    return this.#texts.has(`${unit} ${text}`)
  }

  /** Every row at the sink is a certified one, none is there twice. */
  sink(log: SimulatedLog): void {
    for (const partition of log.partitionsOf(SINK)) {
      const { history } = partition
      for (let index = this.#seen.get(partition) ?? 0; index < history.length; index++) {
        const text = textOf(history[index]?.value ?? null)
        const left = this.#allowed.get(text) ?? 0
        if (left === 0)
          throw new Violation('rows at the sink', `a row at the sink that is not certified, or there twice: ${text}`)
        this.#allowed.set(text, left - 1)
      }
      this.#seen.set(partition, history.length)
    }
  }

  /**
   * What is at the sink is what the source says: nothing lost, nothing more, the last revision final and exact.
   * @param late records that came late behind a shuffle, after a silence was decided: so many may be missing from rows
   */
  complete(
    records: readonly SinkRecord[],
    expected: Expected,
    before: number,
    late: number | undefined,
  ): string | undefined {
    if (expected.unknown) return undefined
    const windows: SinkRow[] = []
    const named: { readonly source: string; readonly text: string }[] = []
    for (const { text, source } of records) {
      if (source === undefined) windows.push(JSON.parse(text) as SinkRow)
      else named.push({ source, text: text.trimEnd() })
    }
    const passed = expected.byText
      ? numbered(named.map(({ text }) => text))
      : new Map(named.map(({ source, text }) => [source, text]))
    const last = lastOf(windows, before)
    let missing = 0
    let less: string | undefined
    for (const [name, row] of expected.rows) {
      if (row.start >= before) continue
      const found = last.get(name)
      const least = expected.least.get(name)
      // Only records that were given up: whether any of them was taken before that is open.
      if (least === undefined && (found === undefined || found.orders <= row.orders)) continue
      if (least !== undefined && least.total < expected.leastTotal && (found?.orders ?? 0) <= row.orders) continue
      if (found?.final === false) return `the window ${name} is not final`
      const { orders, total, most } = found ?? { orders: 0, total: 0, most: 0 }
      if (orders === row.orders && total === row.total && most === row.most) continue
      const within = orders <= row.orders && total <= row.total && most <= row.most
      if (least !== undefined && within && orders >= least.orders && total >= least.total && most >= least.most)
        continue
      const told = `the window ${name} is ${JSON.stringify(found) ?? 'missing'}, expected ${JSON.stringify(row)}`
      if (orders >= row.orders || total > row.total || most > row.most) throw new Violation('complete', told)
      // Behind a shuffle the record that is missing may still be on its way to its dead letter.
      if (found !== undefined && late === undefined) throw new Violation('complete', told)
      // At least so many came late. What was given up is missing for another reason; and one that is missing is enough for a
      // row with a total that is too low.
      const lacking = found === undefined && expected.leastTotal > 0 ? 1 : (least ?? row).orders - orders
      missing += Math.max(1, lacking)
      less ??= told
    }
    if (missing > (late ?? 0)) return less
    for (const name of last.keys())
      if (!expected.rows.has(name)) throw new Violation('complete', `an extra window ${name}`)
    for (const name of passed.keys()) {
      if (!expected.passed.has(name)) throw new Violation('complete', `an extra row of ${name}`)
    }
    for (const [name, text] of expected.passed) {
      const found = passed.get(name)
      if (found === undefined && expected.given.has(name)) continue
      if (found === undefined) return `the row of ${name} is missing`
      if (found !== text) throw new Violation('complete', `the row of ${name} is ${found}, expected ${text}`)
    }
    return undefined
  }

  /** Below which everything was taken at a certified place; null: before the first. */
  offsetOf(unit: UnitId, place: CutPosition | null): number {
    return place === null ? 0 : (this.#chain(unit).get(`${place.seq}/${place.part}`)?.certificate.content.offset ?? 0)
  }

  /** What the sink topic has. */
  records(log: SimulatedLog): SinkRecord[] {
    return log.partitionsOf(SINK).flatMap(({ records }) =>
      records.map(({ value, headers }) => {
        const [partition, offset, index] = headers.source?.split('/') ?? []
        return offset === undefined
          ? { text: textOf(value) }
          : { text: textOf(value), source: sourceName(Number(partition), Number(offset), Number(index)) }
      }),
    )
  }

  /** Late records and such that are none: one dead letter each. */
  deadLetters(): { readonly late: number; readonly dead: number } {
    let late = 0
    let dead = 0
    for (const chain of this.#certified.values()) {
      for (const { certificate } of chain.values()) {
        const { counts, part } = certificate.content
        if (part > 0) continue
        late += counts.late
        dead += counts.dead
      }
    }
    return { late, dead }
  }

  #chain(unit: UnitId): Map<string, Certified> {
    const known = this.#certified.get(unit)
    if (known !== undefined) return known
    const chain = new Map<string, Certified>()
    this.#certified.set(unit, chain)
    return chain
  }
}

/** The last revision of each window that began before a time; none of one whose row was taken back. */
function lastOf(rows: readonly SinkRow[], before: number): ReadonlyMap<string, SinkRow> {
  const last = new Map<string, SinkRow>()
  for (const row of rows) {
    const { window, key, revision } = row
    const start = Date.parse(window.start)
    if (start >= before) continue
    const name = windowName({ start, end: Date.parse(window.end), key: `${key}` })
    const known = last.get(name)
    if (known === undefined || known.revision < revision) last.set(name, row)
  }
  for (const [name, { removed }] of last) if (removed === true) last.delete(name)
  return last
}

/** Of the row of a record, or one of several. */
export const sourceName = (partition: number, offset: number, index: number): string =>
  index === 0 ? `${partition}/${offset}` : `${partition}/${offset}/${index}`

const textOf = (bytes: Uint8Array | null): string =>
  bytes === null ? '' : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString()

interface SinkRow {
  readonly window: { readonly start: string; readonly end: string }
  readonly key: string | boolean | null
  readonly orders: number
  readonly total: number
  readonly most: number
  readonly revision: number
  readonly final: boolean
  readonly removed?: boolean
}
