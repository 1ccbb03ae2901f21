/** Reads one record of a format, as a stage does: the wanted values, or the code of what is wrong. */
import { FieldSet } from '../../operators/fields.ts'
import { compileReader } from '../../operators/format/reader.ts'
import type { FormatPlan } from '../../operators/index.ts'
import type { Value } from '../../operators/json.ts'

export const SEED = 20_260_601

export function readAll(format: FormatPlan, bytes: Uint8Array | string, ...paths: string[][]) {
  const fields = new FieldSet()
  const wanted = (paths.length === 0 ? [[]] : paths).map((path) => fields.slotOf(path))
  const slots: Value[] = []
  const reader = compileReader(format, fields)
  const error = reader.scan(typeof bytes === 'string' ? Buffer.from(bytes) : bytes, slots)
  if (error !== undefined) return error
  const all = [wanted.map((slot) => plain(slots[slot]))]
  while (reader.next?.(slots)) all.push(wanted.map((slot) => plain(slots[slot])))
  return all
}

/** The wanted values of a record that holds one; the whole of it where no path is given. */
export function read(format: FormatPlan, bytes: Uint8Array | string, ...paths: string[][]) {
  const all = readAll(format, bytes, ...paths)
  if (typeof all === 'string') return all
  const [values = []] = all
  return paths.length === 0 ? values[0] : values
}

/** Maps as objects without a prototype, so that tests compare them with what libraries make. */
export function plain(value: Value): unknown {
  if (Array.isArray(value)) return value.map(plain)
  if (!(value instanceof Map)) return value
  const fields = [...value].map(([name, inner]) => [name, plain(inner)] as const)
  return Object.fromEntries(fields)
}

/** Bytes of a record as people write them. */
export const bytes = (...parts: readonly (number | string)[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part))))
