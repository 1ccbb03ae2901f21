/**
 * Messages as bytes: MessagePack, of which only what `Wire` needs. Bytes are checked token by token before msgpackr sees
 * them: lengths against what is there, depth, number of values, keys that are strings and not `__proto__`, and no
 * extension types. So the decoder allocates no more than the frame justifies and makes nothing but plain data.
 */
import { Packr, Unpackr } from 'msgpackr'
import { MeshError } from '../errors.ts'
import { TRANSPORT_LIMITS } from './limits.ts'
import type { Wire } from './transport.ts'

/** Fields that are undefined are left out, as in the canonical form. (Its types do not list every option.) */
const encoding = { useRecords: false, variableMapSize: true, skipValues: [undefined], encodeUndefinedAsNil: true }
const packr = new Packr(encoding)
const unpackr = new Unpackr({ useRecords: false, mapsAsObjects: true })

export const encodeWire = (body: Wire): Uint8Array => packr.pack(body)

/** @throws MeshError QRT_MESH_FRAME_MALFORMED. Byte strings are views of `bytes`. */
export function decodeWire(bytes: Uint8Array): Wire {
  checkWire(bytes)
  try {
    // A plain view, so that byte strings come out as Uint8Array and not as Buffer.
    return unpackr.unpack(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)) as Wire
  } catch (cause) {
    throw new MeshError('QRT_MESH_FRAME_MALFORMED', 'a message cannot be decoded', { cause })
  }
}

const malformed = (what: string, at: number) =>
  new MeshError('QRT_MESH_FRAME_MALFORMED', `a message is malformed at byte ${at}: ${what}`)

const PROTO = Buffer.from('__proto__')

interface Token {
  readonly kind: 'scalar' | 'string' | 'array' | 'map'
  /** Where the token's own bytes end; for strings and bytes, after their content. */
  readonly end: number
  /** Elements of an array, pairs of a map, bytes of a string. */
  readonly size: number
}

function checkWire(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  /** Values still to come per open container; a map counts keys and values. */
  const left: number[] = [1]
  const isMap: boolean[] = [false]
  let at = 0
  let values = 0
  while (left.length > 0) {
    const top = left.length - 1
    const open = left[top] as number
    if (open === 0) {
      left.pop()
      isMap.pop()
      continue
    }
    left[top] = open - 1
    if (++values > TRANSPORT_LIMITS.values) throw malformed(`more than ${TRANSPORT_LIMITS.values} values`, at)
    const token = tokenAt(bytes, view, at)
    if (isMap[top] === true && open % 2 === 0) checkKey(bytes, token, at)
    if (token.kind === 'array' || token.kind === 'map') {
      const size = token.kind === 'map' ? token.size * 2 : token.size
      if (size > bytes.length - token.end) throw malformed(`${size} values announced, too few bytes left`, at)
      if (left.length > TRANSPORT_LIMITS.depth) throw malformed(`deeper than ${TRANSPORT_LIMITS.depth} levels`, at)
      left.push(size)
      isMap.push(token.kind === 'map')
    }
    at = token.end
  }
  if (at !== bytes.length) throw malformed('bytes after its end', at)
}

function checkKey(bytes: Uint8Array, token: Token, at: number): void {
  if (token.kind !== 'string') throw malformed('a key is not a string', at)
  if (token.size === PROTO.length && PROTO.equals(bytes.subarray(token.end - token.size, token.end))) {
    throw malformed('the key __proto__', at)
  }
}

/** The MessagePack formats that `encodeWire` makes; all others are refused. */
function tokenAt(bytes: Uint8Array, view: DataView, at: number): Token {
  const type = bytes[at]
  const need = (count: number): void => {
    if (bytes.length - at - 1 < count) throw malformed('it ends too early', at)
  }
  const scalar = (count: number): Token => {
    need(count)
    return { kind: 'scalar', end: at + 1 + count, size: 0 }
  }
  const length = (width: 1 | 2 | 4): number => {
    need(width)
    return width === 1 ? view.getUint8(at + 1) : width === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1)
  }
  const content = (kind: 'scalar' | 'string', width: 0 | 1 | 2 | 4, size: number): Token => {
    need(width + size)
    return { kind, end: at + 1 + width + size, size }
  }
  const container = (kind: 'array' | 'map', width: 0 | 2 | 4, size: number): Token => ({
    kind,
    end: at + 1 + width,
    size,
  })
  if (type === undefined) throw malformed('it ends too early', at)
  if (type <= 0x7f || type >= 0xe0) return scalar(0)
  if (type <= 0x8f) return container('map', 0, type - 0x80)
  if (type <= 0x9f) return container('array', 0, type - 0x90)
  if (type <= 0xbf) return content('string', 0, type - 0xa0)
  switch (type) {
    case 0xc0:
    case 0xc2:
    case 0xc3:
      return scalar(0)
    case 0xc4:
      return content('scalar', 1, length(1))
    case 0xc5:
      return content('scalar', 2, length(2))
    case 0xc6:
      return content('scalar', 4, length(4))
    case 0xcb: {
      const token = scalar(8)
      if (!Number.isFinite(view.getFloat64(at + 1))) throw malformed('a number is not finite', at)
      return token
    }
    case 0xcc:
    case 0xd0:
      return scalar(1)
    case 0xcd:
    case 0xd1:
      return scalar(2)
    case 0xce:
    case 0xd2:
      return scalar(4)
    case 0xd9:
      return content('string', 1, length(1))
    case 0xda:
      return content('string', 2, length(2))
    case 0xdb:
      return content('string', 4, length(4))
    case 0xdc:
      return container('array', 2, length(2))
    case 0xdd:
      return container('array', 4, length(4))
    case 0xde:
      return container('map', 2, length(2))
    case 0xdf:
      return container('map', 4, length(4))
    default:
      throw malformed(`the type 0x${type.toString(16)}, which no message uses`, at)
  }
}
