/**
 * Frames between peers that have proved who they are: a MAC under a key of this connection and direction, over a counter
 * that rises by one, so that nothing is forged, replayed, reordered or turned back. A frame is decoded only after both
 * were checked. HMAC-SHA256 cut to 16 bytes (RFC 2104, section 5).
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { MeshError } from '../errors.ts'
import { FRAME, malformedFrame, PROTOCOL_VERSION } from './framing.ts'

const COUNTED_BYTES = 10
const MAC_BYTES = 16
export const SESSION_HEADER_BYTES = COUNTED_BYTES + MAC_BYTES

export interface SessionKeys {
  readonly send: Uint8Array
  readonly receive: Uint8Array
}

export class Session {
  readonly #keys: SessionKeys
  #sent = 0n
  #received = 0n

  constructor(keys: SessionKeys) {
    this.#keys = keys
  }

  seal(payload: Uint8Array): Uint8Array {
    const frame = Buffer.allocUnsafe(SESSION_HEADER_BYTES + payload.length)
    frame[0] = PROTOCOL_VERSION
    frame[1] = FRAME.message
    frame.writeBigUInt64BE(++this.#sent, 2)
    frame.set(payload, SESSION_HEADER_BYTES)
    frame.set(macOf(this.#keys.send, frame), COUNTED_BYTES)
    return frame
  }

  /** The payload, a view of the frame. @throws MeshError when the frame is not the next one of the other end. */
  open(frame: Uint8Array): Uint8Array {
    if (frame.length < SESSION_HEADER_BYTES) throw malformedFrame('shorter than its header')
    const mac = frame.subarray(COUNTED_BYTES, SESSION_HEADER_BYTES)
    if (!timingSafeEqual(mac, macOf(this.#keys.receive, frame))) {
      throw new MeshError('QRT_MESH_MAC', 'a frame does not carry the MAC of its connection')
    }
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
    const counter = view.getBigUint64(2)
    if (counter !== this.#received + 1n) {
      throw new MeshError('QRT_MESH_MAC', `frame ${counter} came where frame ${this.#received + 1n} was due`)
    }
    if (frame[0] !== PROTOCOL_VERSION || frame[1] !== FRAME.message)
      throw malformedFrame(`kind ${frame[1]} in a session`)
    this.#received = counter
    return frame.subarray(SESSION_HEADER_BYTES)
  }
}

function macOf(key: Uint8Array, frame: Uint8Array): Uint8Array {
  return createHmac('sha256', key)
    .update(frame.subarray(0, COUNTED_BYTES))
    .update(frame.subarray(SESSION_HEADER_BYTES))
    .digest()
    .subarray(0, MAC_BYTES)
}
