/** Keys and signatures that cost little and depend on a name only: for runs that must repeat. Checked as real ones are. */
import { hash } from 'node:crypto'
import { peerIdOf, type Signer, type Verifier } from '../../mesh/identity.ts'

/** As long as an Ed25519 signature. */
const signatureOf = (publicKey: Uint8Array, bytes: Uint8Array): Uint8Array => {
  const half = hash('sha256', Buffer.concat([publicKey, bytes]), 'buffer')
  return Buffer.concat([half, half])
}

export function fakeSigner(name: string): Signer {
  const publicKey = new Uint8Array(hash('sha256', `key of ${name}`, 'buffer'))
  return { id: peerIdOf(publicKey), publicKey, sign: (bytes) => signatureOf(publicKey, bytes) }
}

export const fakeVerifier: Verifier = {
  verify: (publicKey, bytes, signature) => Buffer.compare(signatureOf(publicKey, bytes), signature) === 0,
}
