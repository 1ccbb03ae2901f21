/** Wire types of Protocol Buffers (protobuf.dev/programming-guides/encoding), for whoever reads or writes a value of a field. */
import type { ProtobufField } from '../format-plan.ts'

export const VARINT = 0
export const FIXED64 = 1
export const BYTES = 2
export const FIXED32 = 5

/** Of one value: an item of a list, a key of a map, or what it has for that. */
export function wireOfValue(type: ProtobufField['type']): number {
  switch (type) {
    case 'double':
    case 'fixed64':
    case 'sfixed64':
      return FIXED64
    case 'float':
    case 'fixed32':
    case 'sfixed32':
      return FIXED32
    case 'message':
    case 'string':
    case 'bytes':
      return BYTES
    default:
      return VARINT
  }
}
