/**
 * Who a peer is: an Ed25519 key kept in its data directory. The identity outlives restarts because votes and seals are
 * promises made under it; so a file that cannot be read is an error for an operator, and never a reason for a new key.
 */
import {
  createPrivateKey,
  createPublicKey,
  sign as ed25519Sign,
  verify as ed25519Verify,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto'
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  statSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { sha256 } from './agreement/encoding.ts'
import { assert, MeshError } from './errors.ts'
import type { PeerId } from './ids.ts'

export interface Signer {
  readonly id: PeerId
  /** Raw Ed25519 public key, 32 bytes. */
  readonly publicKey: Uint8Array
  /** Ed25519 signature, 64 bytes. */
  sign(bytes: Uint8Array): Uint8Array
}

export interface Verifier {
  /** False for any malformed key or signature; never throws on what came from a peer. */
  verify(publicKey: Uint8Array, bytes: Uint8Array, signature: Uint8Array): boolean
}

const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
/** DER around a raw key (RFC 8410): node:crypto imports Ed25519 keys in this form. */
const PUBLIC_KEY_PREFIX = Buffer.from('302a300506032b6570032100', 'hex')
const PRIVATE_KEY_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex')
/** Imported keys kept by a verifier: the oldest is dropped, and imported again when it is next used. */
const VERIFIER_KEYS = 1024
const FILE_NAME = 'identity.json'
const FORMAT = 'quorate-identity-1'

/** The first 32 hex characters of the SHA-256 of the raw public key. */
export function peerIdOf(publicKey: Uint8Array): PeerId {
  assert(publicKey.length === KEY_BYTES, `a raw Ed25519 public key has ${KEY_BYTES} bytes, got ${publicKey.length}`)
  return sha256(publicKey).slice(0, 32) as PeerId
}

/** A key that is not stored: for tests and for processes without a data directory. */
export function generateIdentity(): Signer {
  const { privateKey } = generateKeyPairSync('ed25519')
  return signerOf(privateKey)
}

export function createVerifier(): Verifier {
  const keys = new Map<string, KeyObject>()
  const imported = (publicKey: Uint8Array): KeyObject => {
    const name = Buffer.from(publicKey).toString('latin1')
    const known = keys.get(name)
    if (known !== undefined) return known
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_KEY_PREFIX, publicKey]), format: 'der', type: 'spki' })
    if (keys.size >= VERIFIER_KEYS) {
      const [oldest] = keys.keys()
      if (oldest !== undefined) keys.delete(oldest)
    }
    keys.set(name, key)
    return key
  }
  return {
    verify(publicKey, bytes, signature) {
      if (publicKey.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false
      return ed25519Verify(null, bytes, imported(publicKey), signature)
    },
  }
}

/** The verifier of this process: imported keys are shared by all who check signatures. */
export const verifySignature: Verifier['verify'] = createVerifier().verify

/**
 * The identity in `directory/identity.json`, made when there is none. Two processes that start at once on one directory
 * get the same identity: the file is complete and synced before link(2) gives it its name.
 * @throws MeshError QRT_MESH_IDENTITY when the file exists and is not a readable, private, intact identity.
 */
export function loadOrCreateIdentity(directory: string): Signer {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const file = join(directory, FILE_NAME)
  const existing = readIdentity(file)
  if (existing !== undefined) return existing
  const { privateKey } = generateKeyPairSync('ed25519')
  createFile(directory, file, identityText(privateKey))
  const created = readIdentity(file)
  assert(created !== undefined, `${file} exists after it was created`)
  return created
}

function signerOf(privateKey: KeyObject): Signer {
  const publicKey = rawPublicKey(privateKey)
  return {
    id: peerIdOf(publicKey),
    publicKey,
    sign: (bytes) => ed25519Sign(null, bytes, privateKey),
  }
}

function rawPublicKey(privateKey: KeyObject): Uint8Array {
  const der = createPublicKey(privateKey).export({ format: 'der', type: 'spki' })
  return new Uint8Array(der.subarray(der.length - KEY_BYTES))
}

/** Both halves are written, so that one flipped bit is found instead of becoming another identity. */
function identityText(privateKey: KeyObject): string {
  const der = privateKey.export({ format: 'der', type: 'pkcs8' })
  return `${JSON.stringify({
    format: FORMAT,
    publicKey: Buffer.from(rawPublicKey(privateKey)).toString('hex'),
    privateKey: der.subarray(der.length - KEY_BYTES).toString('hex'),
  })}\n`
}

function readIdentity(file: string): Signer | undefined {
  let text: string
  try {
    const mode = statSync(file).mode & 0o777
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw unusable(file, `its mode is 0${mode.toString(8)}, so others may have read the key; expected 0600`)
    }
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof MeshError) throw error
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw unusable(file, 'it cannot be read', error)
  }
  const fields = parseFields(file, text)
  const seed = Buffer.from(fields.privateKey, 'hex')
  const key = createPrivateKey({ key: Buffer.concat([PRIVATE_KEY_PREFIX, seed]), format: 'der', type: 'pkcs8' })
  const signer = signerOf(key)
  if (Buffer.from(signer.publicKey).toString('hex') !== fields.publicKey) {
    throw unusable(file, 'its public key does not belong to its private key')
  }
  return signer
}

function parseFields(file: string, text: string): { publicKey: string; privateKey: string } {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch {
    // The parser's message quotes the text, which holds the private key: it is left out on purpose.
    throw unusable(file, 'it is not JSON')
  }
  const { format, publicKey, privateKey } = (parsed ?? {}) as Record<string, unknown>
  if (format !== FORMAT) throw unusable(file, `its format is not "${FORMAT}"`)
  if (!isKeyText(publicKey) || !isKeyText(privateKey)) {
    throw unusable(file, `its keys are not ${KEY_BYTES * 2} lower-case hex characters each`)
  }
  return { publicKey, privateKey }
}

const isKeyText = (value: unknown): value is string => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value)

function unusable(file: string, why: string, cause?: unknown): MeshError {
  return new MeshError(
    'QRT_MESH_IDENTITY',
    `the identity file ${file} cannot be used: ${why}. Restore it from a backup (mode 0600), or move it away to join as a new peer.`,
    cause === undefined ? {} : { cause },
  )
}

function createFile(directory: string, file: string, text: string): void {
  const temporary = `${file}.${randomBytes(8).toString('hex')}`
  const descriptor = openSync(temporary, 'wx', 0o600)
  try {
    writeSync(descriptor, text)
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
  try {
    linkSync(temporary, file)
  } catch (error) {
    // Another process was first: its identity is the one of this directory.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(file, 'it cannot be created', error)
  } finally {
    unlinkSync(temporary)
  }
  syncDirectory(directory)
}

/** The new name is on disk only once its directory is. Windows has no such call and needs none. */
export function syncDirectory(directory: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(directory, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
