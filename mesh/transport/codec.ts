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

/** One token after another; the same object for all, since a message has thousands. */
interface Token {
  kind: 'scalar' | 'string' | 'array' | 'map'
  /** Where the token's own bytes end; for strings and bytes, after their content. */
  end: number
  /** Elements of an array, pairs of a map, bytes of a string. */
  size: number
}

function checkWire(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const token: Token = { kind: 'scalar', end: 0, size: 0 }
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
    readToken(token, bytes, view, at)
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
function readToken(token: Token, bytes: Uint8Array, view: DataView, at: number): void {
  const type = bytes[at]
  if (type === undefined) throw malformed('it ends too early', at)
  if (type <= 0x7f || type >= 0xe0) set(token, 'scalar', at + 1, 0)
  else if (type <= 0x8f) set(token, 'map', at + 1, type - 0x80)
  else if (type <= 0x9f) set(token, 'array', at + 1, type - 0x90)
  else if (type <= 0xbf) content(token, 'string', bytes, at + 1, type - 0xa0)
  else readLongToken(token, type, bytes, view, at)
}

function readLongToken(token: Token, type: number, bytes: Uint8Array, view: DataView, at: number): void {
  const form = FORMS[type - 0xc0]
  if (form === undefined) throw malformed(`the type 0x${type.toString(16)}, which no message uses`, at)
  const [kind, width, fixed] = form
  const start = at + 1 + width
  const size = width === 0 ? fixed : lengthAt(bytes, view, at, width)
  if (kind === 'array' || kind === 'map') set(token, kind, start, size)
  else content(token, kind, bytes, start, size)
  if (type === 0xcb && !Number.isFinite(view.getFloat64(start))) throw malformed('a number is not finite', at)
}

type Form = readonly [kind: Token['kind'], lengthBytes: 0 | 1 | 2 | 4, size: number]

/** From 0xc0 on: what follows the type, either so many bytes of length or a fixed size. */
const FORMS: readonly (Form | undefined)[] = [
  ['scalar', 0, 0],
  undefined,
  ['scalar', 0, 0],
  ['scalar', 0, 0],
  ['scalar', 1, 0],
  ['scalar', 2, 0],
  ['scalar', 4, 0],
  undefined,
  undefined,
  undefined,
  undefined,
  ['scalar', 0, 8],
  ['scalar', 0, 1],
  ['scalar', 0, 2],
  ['scalar', 0, 4],
  undefined,
  ['scalar', 0, 1],
  ['scalar', 0, 2],
  ['scalar', 0, 4],
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  undefined,
  ['string', 1, 0],
  ['string', 2, 0],
  ['string', 4, 0],
  ['array', 2, 0],
  ['array', 4, 0],
  ['map', 2, 0],
  ['map', 4, 0],
]

function set(token: Token, kind: Token['kind'], end: number, size: number): void {
  token.kind = kind
  token.end = end
  token.size = size
}

/** A token with so many bytes of its own from `start` on. */
function content(token: Token, kind: 'scalar' | 'string', bytes: Uint8Array, start: number, size: number): void {
  if (bytes.length - start < size) throw malformed('it ends too early', start)
  set(token, kind, start + size, size)
}

function lengthAt(bytes: Uint8Array, view: DataView, at: number, width: 1 | 2 | 4): number {
  if (bytes.length - at - 1 < width) throw malformed('it ends too early', at)
  return width === 1 ? view.getUint8(at + 1) : width === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1)
}
