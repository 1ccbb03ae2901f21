/**
 * What another process gets of a message. Through the real codec in some runs; in the others a plain copy of what the codec
 * would give, which is the same values at a seventh of the cost.
 */
import { decodeWire, encodeWire } from '../../mesh/transport/codec.ts'
import type { Wire } from '../../mesh/transport/transport.ts'
import { copyOfBytes } from './byte-copies.ts'

/** A message under way. */
export interface Copied {
  /** For whoever it is delivered to: asked for once. */
  readonly body: () => Wire
  readonly bytes: number
}

export type Copying = (body: Wire) => Copied

export const throughCodec: Copying = (body) => {
  const bytes = encodeWire(body)
  return { body: () => decodeWire(bytes), bytes: bytes.length }
}

/** Its size is none that anybody measured: nothing in a run asks for it. */
export const asPlainData: Copying = (body) => {
  const taken = copyOf(body)
  return { body: () => taken, bytes: 0 }
}

function copyOf(value: Wire | undefined): Wire {
  if (value === undefined) return null
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    const items: Wire[] = []
    for (const item of value as readonly (Wire | undefined)[]) items.push(copyOf(item))
    return items
  }
  if (value instanceof Uint8Array) return copyOfBytes(value)
  const copy: Record<string, Wire> = {}
  const fields = value as Readonly<Record<string, Wire | undefined>>
  for (const name in fields) {
    const field = fields[name]
    if (field !== undefined) copy[name] = copyOf(field)
  }
  return copy
}
