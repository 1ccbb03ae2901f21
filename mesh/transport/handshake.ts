/**
 * How two peers prove to each other that they belong to one cluster and hold the keys they name:
 *
 *   dialler                          acceptor
 *   hello      ─────────────────────▶
 *              ◀─────────────────────  challenge
 *   proof      ─────────────────────▶
 *              ◀─────────────────────  proof
 *
 * The transcript is the two introductions whole: version, roles (by kind), identity keys, ephemeral keys, nonces, names,
 * addresses. Keys come from HKDF over the cluster secret and the X25519 agreement, salted with the transcript; a proof
 * is a MAC under its role's key and an Ed25519 signature of role and transcript. The agreement is there so that a holder
 * of the secret, who can prove only its own identity, cannot compute the session keys of two others. The dialler proves
 * first: whoever merely connects learns nothing that depends on the secret.
 *
 * A state machine: frames in, frames out, or a MeshError that ends the connection.
 */
import {
  createHash,
  createHmac,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  hkdfSync,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'
import { assert, MeshError } from '../errors.ts'
import { peerIdOf, type Signer, verifySignature } from '../identity.ts'
import {
  decodeIntroduction,
  decodeProof,
  encodeIntroduction,
  encodeProof,
  FRAME,
  type Introduction,
  malformedFrame,
  type Proof,
} from './framing.ts'
import type { SessionKeys } from './session.ts'
import type { PeerIdentity } from './transport.ts'

export type Role = 'dialler' | 'acceptor'

export interface HandshakeOptions {
  readonly signer: Signer
  readonly self: PeerIdentity
  /** Undefined: anybody may connect, and only identities are proved. */
  readonly secret: Uint8Array | undefined
}

export interface HandshakeStep {
  readonly send?: Uint8Array
  readonly done?: { readonly peer: PeerIdentity; readonly keys: SessionKeys }
}

interface Schedule {
  readonly transcript: Uint8Array
  readonly diallerProof: Uint8Array
  readonly acceptorProof: Uint8Array
  readonly fromDialler: Uint8Array
  readonly fromAcceptor: Uint8Array
}

/** DER in front of a raw X25519 key (RFC 8410). */
const X25519_PREFIX = Buffer.from('302a300506032b656e032100', 'hex')

export class Handshake {
  readonly #role: Role
  readonly #options: HandshakeOptions
  readonly #ephemeral: KeyObject
  readonly #introduction: Uint8Array
  #peer: PeerIdentity | undefined
  #schedule: Schedule | undefined

  constructor(role: Role, options: HandshakeOptions) {
    this.#role = role
    this.#options = options
    const { publicKey, privateKey } = generateKeyPairSync('x25519')
    this.#ephemeral = privateKey
    this.#introduction = encodeIntroduction(role === 'dialler' ? FRAME.hello : FRAME.challenge, {
      nonce: randomBytes(32),
      publicKey: options.signer.publicKey,
      ephemeralKey: publicKey.export({ format: 'der', type: 'spki' }).subarray(X25519_PREFIX.length),
      name: options.self.name,
      address: options.self.address,
    })
  }

  /** What the dialler says first. */
  hello(): Uint8Array {
    assert(this.#role === 'dialler', 'only the dialler says hello')
    return this.#introduction
  }

  /** @throws MeshError: the connection is to be ended with its code. */
  receive(frame: Uint8Array): HandshakeStep {
    if (this.#schedule === undefined) return this.#introduced(frame)
    return this.#proved(this.#schedule, frame)
  }

  #introduced(frame: Uint8Array): HandshakeStep {
    const theirs = decodeIntroduction(this.#role === 'dialler' ? FRAME.challenge : FRAME.hello, frame)
    const id = peerIdOf(theirs.publicKey)
    if (id === this.#options.signer.id) {
      throw new MeshError('QRT_MESH_IDENTITY', `the other end has this peer's own identity ${id}`)
    }
    this.#peer = { id, publicKey: new Uint8Array(theirs.publicKey), name: theirs.name, address: theirs.address }
    this.#schedule = this.#derive(frame, theirs)
    if (this.#role === 'acceptor') return { send: this.#introduction }
    return { send: encodeProof(this.#prove(this.#schedule)) }
  }

  #proved(schedule: Schedule, frame: Uint8Array): HandshakeStep {
    const proof = decodeProof(frame)
    const theirRole = this.#role === 'dialler' ? 'acceptor' : 'dialler'
    if (!timingSafeEqual(proof.mac, macOf(theirRole, schedule))) {
      throw new MeshError(
        'QRT_MESH_SECRET',
        'the other end does not hold the secret of this cluster; start both with the same --secret-file',
      )
    }
    const peer = this.#peer
    assert(peer !== undefined, 'a proof comes after an introduction')
    if (!verifySignature(peer.publicKey, signedBytes(theirRole, schedule), proof.signature)) {
      throw new MeshError('QRT_MESH_IDENTITY', `the other end does not hold the key of peer ${peer.id}`)
    }
    const { fromDialler, fromAcceptor } = schedule
    const dialling = this.#role === 'dialler'
    const keys = dialling ? { send: fromDialler, receive: fromAcceptor } : { send: fromAcceptor, receive: fromDialler }
    return dialling ? { done: { peer, keys } } : { send: encodeProof(this.#prove(schedule)), done: { peer, keys } }
  }

  #prove(schedule: Schedule): Proof {
    return {
      mac: macOf(this.#role, schedule),
      signature: this.#options.signer.sign(signedBytes(this.#role, schedule)),
    }
  }

  #derive(frame: Uint8Array, theirs: Introduction): Schedule {
    const [hello, challenge] = this.#role === 'dialler' ? [this.#introduction, frame] : [frame, this.#introduction]
    const transcript = createHash('sha256').update('quorate-mesh-1').update(hello).update(challenge).digest()
    // The agreement has a fixed length, so the two secrets cannot run into one another.
    const secret = Buffer.concat([this.#agree(theirs), this.#options.secret ?? new Uint8Array(0)])
    const derived = (info: string) =>
      new Uint8Array(hkdfSync('sha256', secret, transcript, `quorate-mesh-1 ${info}`, 32))
    return {
      transcript,
      diallerProof: derived('proof of the dialler'),
      acceptorProof: derived('proof of the acceptor'),
      fromDialler: derived('from the dialler'),
      fromAcceptor: derived('from the acceptor'),
    }
  }

  #agree(theirs: Introduction): Uint8Array {
    try {
      const der = Buffer.concat([X25519_PREFIX, theirs.ephemeralKey])
      const publicKey = createPublicKey({ key: der, format: 'der', type: 'spki' })
      return diffieHellman({ privateKey: this.#ephemeral, publicKey })
    } catch {
      throw malformedFrame('an ephemeral key of low order')
    }
  }
}

function macOf(role: Role, { transcript, diallerProof, acceptorProof }: Schedule): Uint8Array {
  return createHmac('sha256', role === 'dialler' ? diallerProof : acceptorProof)
    .update(transcript)
    .digest()
}

const signedBytes = (role: Role, { transcript }: Schedule) =>
  Buffer.concat([Buffer.from(`quorate-mesh-1 ${role}\n`), transcript])
