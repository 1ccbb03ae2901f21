/** Keys and signatures that cost little and depend on a name only: for runs that must repeat. Checked as real ones are. */
import { createHash } from 'node:crypto'
import { peerIdOf, type Signer, type Verifier } from '../../mesh/identity.ts'

const sha256 = (...parts: (string | Uint8Array)[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

/** As long as an Ed25519 signature. */
const signatureOf = (publicKey: Uint8Array, bytes: Uint8Array): Uint8Array => {
  const half = sha256(publicKey, bytes)
  return Buffer.concat([half, half])
}

export function fakeSigner(name: string): Signer {
  const publicKey = sha256(`key of ${name}`)
  return { id: peerIdOf(publicKey), publicKey, sign: (bytes) => signatureOf(publicKey, bytes) }
}

export const fakeVerifier: Verifier = {
  verify: (publicKey, bytes, signature) => Buffer.compare(signatureOf(publicKey, bytes), signature) === 0,
}
