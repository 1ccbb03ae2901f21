/**
 * Frames, one per binary WebSocket message:
 *
 *   hello, challenge   version u8 | kind u8 | nonce 32 | identity key 32 | ephemeral key 32 | name u8+n | address u8+n
 *   proof              version u8 | kind u8 | mac 32 | signature 64
 *   message            version u8 | kind u8 | counter u64 | mac 16 | MessagePack
 *
 * Numbers are big-endian. Every field has a fixed length or a length byte, checked against what is there.
 */
import { MeshError } from '../errors.ts'
import { TRANSPORT_LIMITS } from './limits.ts'

export const PROTOCOL_VERSION = 1

export const FRAME = { hello: 1, challenge: 2, proof: 3, message: 4 } as const

export interface Introduction {
  readonly nonce: Uint8Array
  /** Raw Ed25519 key. */
  readonly publicKey: Uint8Array
  /** Raw X25519 key, made for this connection. */
  readonly ephemeralKey: Uint8Array
  readonly name: string
  readonly address: string
}

export interface Proof {
  readonly mac: Uint8Array
  readonly signature: Uint8Array
}

export const malformedFrame = (what: string) =>
  new MeshError('QRT_MESH_FRAME_MALFORMED', `a frame of the peer protocol is malformed: ${what}`)

export function encodeIntroduction(kind: 1 | 2, introduction: Introduction): Uint8Array {
  const name = Buffer.from(introduction.name)
  const address = Buffer.from(introduction.address)
  return Buffer.concat([
    Uint8Array.of(PROTOCOL_VERSION, kind),
    introduction.nonce,
    introduction.publicKey,
    introduction.ephemeralKey,
    Uint8Array.of(name.length),
    name,
    Uint8Array.of(address.length),
    address,
  ])
}

export function decodeIntroduction(kind: 1 | 2, frame: Uint8Array): Introduction {
  checkHeader(kind, frame)
  const lengths = 2 + 3 * 32
  const nameLength = frame[lengths] ?? 0
  const addressAt = lengths + 1 + nameLength
  const addressLength = frame[addressAt] ?? 0
  if (frame.length !== addressAt + 1 + addressLength) throw malformedFrame('an introduction of the wrong length')
  return {
    nonce: frame.subarray(2, 34),
    publicKey: frame.subarray(34, 66),
    ephemeralKey: frame.subarray(66, 98),
    name: checkedName(Buffer.from(frame.subarray(lengths + 1, addressAt)).toString()),
    address: checkedAddress(Buffer.from(frame.subarray(addressAt + 1)).toString()),
  }
}

export function encodeProof({ mac, signature }: Proof): Uint8Array {
  return Buffer.concat([Uint8Array.of(PROTOCOL_VERSION, FRAME.proof), mac, signature])
}

export function decodeProof(frame: Uint8Array): Proof {
  checkHeader(FRAME.proof, frame)
  if (frame.length !== 2 + 32 + 64) throw malformedFrame('a proof of the wrong length')
  return { mac: frame.subarray(2, 34), signature: frame.subarray(34) }
}

function checkHeader(kind: number, frame: Uint8Array): void {
  if (frame.length < 2) throw malformedFrame('shorter than its header')
  if (frame[0] !== PROTOCOL_VERSION) {
    throw new MeshError(
      'QRT_MESH_VERSION',
      `the other end speaks version ${frame[0]} of the peer protocol, this one ${PROTOCOL_VERSION}; upgrade the older of the two`,
    )
  }
  if (frame[1] !== kind) throw malformedFrame(`kind ${frame[1]} where ${kind} was due`)
  if (frame.length > TRANSPORT_LIMITS.handshakeFrameBytes) throw malformedFrame('a handshake frame that is too long')
}

/** A label for people: printable, since it ends up in logs and terminals. */
export function checkedName(name: string): string {
  if (Buffer.byteLength(name) > TRANSPORT_LIMITS.nameBytes || !/^[\p{L}\p{N}._ -]*$/u.test(name)) {
    throw malformedFrame(
      `a name is up to ${TRANSPORT_LIMITS.nameBytes} bytes of letters, digits, ".", "_", "-" and spaces`,
    )
  }
  return name
}

export function checkedAddress(address: string): string {
  if (
    Buffer.byteLength(address) > TRANSPORT_LIMITS.addressBytes ||
    !/^wss?:\/\/[\w.:[\]-]+$/.test(address) ||
    !URL.canParse(address)
  ) {
    throw malformedFrame('an address has the form ws://host:port')
  }
  return address
}
