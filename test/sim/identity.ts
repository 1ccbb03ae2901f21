/** Keys and signatures that cost little and depend on a name only: for runs that must repeat. Checked as real ones are. */
import { hash } from 'node:crypto'
import { peerIdOf, type Signer, type Verifier } from '../../mesh/identity.ts'

const SIGNATURE_BYTES = 64

/** As long as an Ed25519 signature: two sums of the key and the bytes, stirred (the finalizer of MurmurHash3) until they fill it. */
const signatureOf = (publicKey: Uint8Array, bytes: Uint8Array): Uint8Array => {
  let one = 0xdeadbeef
  let other = 0x41c6ce57
  for (const part of [publicKey, bytes]) {
    for (let index = 0; index < part.length; index++) {
      const byte = part[index] ?? 0
      one = Math.imul(one ^ byte, 2_654_435_761)
      other = Math.imul(other ^ byte, 1_597_334_677)
    }
  }
  const signature = Buffer.allocUnsafe(SIGNATURE_BYTES)
  for (let at = 0; at < SIGNATURE_BYTES; at += 8) {
    one = Math.imul(one ^ (one >>> 16), 2_246_822_507) ^ Math.imul(other ^ (other >>> 13), 3_266_489_909)
    other = Math.imul(other ^ (other >>> 16), 2_246_822_507) ^ Math.imul(one ^ (one >>> 13), 3_266_489_909)
    signature.writeInt32LE(one, at)
    signature.writeInt32LE(other, at + 4)
  }
  return signature
}

export function fakeSigner(name: string): Signer {
  const publicKey = new Uint8Array(hash('sha256', `key of ${name}`, 'buffer'))
  return { id: peerIdOf(publicKey), publicKey, sign: (bytes) => signatureOf(publicKey, bytes) }
}

export const fakeVerifier: Verifier = {
  verify: (publicKey, bytes, signature) => Buffer.compare(signatureOf(publicKey, bytes), signature) === 0,
}
