/**
 * What a shuffle carries. One batch of the earlier stage has a body per partition of the internal topic, and its certified
 * digest is the Merkle root over them and the dead letters (replica/unit-replica.ts). Each partition gets its own body
 * only, so the record brings the path that leads from the body to the root, and the certificate of the root: whoever
 * reads it can check the slice without seeing the others.
 *
 *   destinations = (u32 length | bytes)*                 one per partition, then the dead letters
 *   slice        = u8 version | u32 length | header | u32 length | certificate | body
 *   header       = JSON {destination, leaves, path}
 */
import { type Certificate, type Digest, decodeStored, isCertificate, isDigest } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'

export interface Slice {
  /** Index of the body among the leaves of the certified root: the partition of the internal topic. */
  readonly destination: number
  readonly leaves: number
  /** Siblings from the leaf up. */
  readonly path: readonly Digest[]
  readonly certificate: Certificate
  readonly body: Uint8Array
}

const VERSION = 1
/** A path of 32 covers more destinations than there can be. */
const MAX_PATH = 32

/** The body of a CertifiedBatch for a shuffle sink: all leaves of the digest, in order. */
export function encodeDestinations(leaves: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(leaves.reduce((sum, leaf) => sum + 4 + leaf.length, 0))
  const view = new DataView(bytes.buffer)
  let at = 0
  for (const leaf of leaves) {
    view.setUint32(at, leaf.length)
    bytes.set(leaf, at + 4)
    at += 4 + leaf.length
  }
  return bytes
}

/** @throws RangeError when the bytes are not whole destinations. */
export function decodeDestinations(bytes: Uint8Array): Uint8Array[] {
  const leaves: Uint8Array[] = []
  let at = 0
  while (at < bytes.length) {
    const leaf = lengthPrefixed(bytes, at)
    leaves.push(leaf)
    at += 4 + leaf.length
  }
  return leaves
}

/** `certificate` in its stored encoding, as a CertifiedBatch has it. */
export function encodeSlice(slice: Omit<Slice, 'certificate'> & { readonly certificate: Uint8Array }): Uint8Array {
  const { destination, leaves, path, certificate, body } = slice
  const header = new TextEncoder().encode(JSON.stringify({ destination, leaves, path }))
  const bytes = new Uint8Array(1 + 4 + header.length + 4 + certificate.length + body.length)
  const view = new DataView(bytes.buffer)
  bytes[0] = VERSION
  view.setUint32(1, header.length)
  bytes.set(header, 5)
  view.setUint32(5 + header.length, certificate.length)
  bytes.set(certificate, 9 + header.length)
  bytes.set(body, 9 + header.length + certificate.length)
  return bytes
}

/**
 * The shape only: signatures and path are the reader's to check. The body is a view into `bytes`.
 * @throws QuorateError QRT_CERTIFICATE_INVALID when the bytes are not a slice.
 */
export function decodeSlice(bytes: Uint8Array): Slice {
  try {
    if (bytes[0] !== VERSION) throw new RangeError(`expected version ${VERSION}, found ${bytes[0]}`)
    const header = lengthPrefixed(bytes, 1)
    const certificateBytes = lengthPrefixed(bytes, 5 + header.length)
    const body = bytes.subarray(9 + header.length + certificateBytes.length)
    const certificate = decodeStored(certificateBytes)
    if (!isCertificate(certificate)) throw new RangeError('there is no certificate where one is expected')
    const { destination, leaves, path } = decodeStored(header) as Partial<Slice>
    if (!isIndex(destination) || !isIndex(leaves) || !isPath(path)) {
      throw new RangeError('expected the destination, the number of leaves and the path in its header')
    }
    return { destination, leaves, path, certificate, body }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new QuorateError('QRT_CERTIFICATE_INVALID', `the bytes are not a slice of a shuffle: ${why}`, {
      cause: error,
    })
  }
}

const isIndex = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isPath = (value: unknown): value is Digest[] =>
  Array.isArray(value) && value.length <= MAX_PATH && value.every(isDigest)

function lengthPrefixed(bytes: Uint8Array, at: number): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = at + 4 + view.getUint32(at)
  if (end > bytes.length) throw new RangeError(`torn at byte ${at} of ${bytes.length}`)
  return bytes.subarray(at + 4, end)
}
