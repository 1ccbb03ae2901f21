/** The signed form of an announcement. The key travels with it and must hash to the id, so nobody speaks for another. */
import { canonicalText } from '../agreement/encoding.ts'
import { peerIdOf, type Signer, type Verifier } from '../identity.ts'
import type { Announcement, Claim } from './member.ts'

export const PUBLIC_KEY_BYTES = 32

/** The signed bytes: a prefix that keeps them apart from whatever else the key signs, then canonical JSON. */
function announcementBytes(announcement: Announcement): Uint8Array {
  const publicKey = Buffer.from(announcement.publicKey).toString('hex')
  return Buffer.from(`quorate-announcement-1\n${canonicalText({ ...announcement, publicKey })}`)
}

/** A member's claim about itself. */
export function announce(signer: Signer, announcement: Announcement): Claim {
  const signature = signer.sign(announcementBytes(announcement))
  return { announcement, signature, state: announcement.left ? 'left' : 'alive' }
}

export function isAuthentic(verifier: Verifier, { announcement, signature }: Claim): boolean {
  const { id, publicKey } = announcement
  if (publicKey.length !== PUBLIC_KEY_BYTES || peerIdOf(publicKey) !== id) return false
  return verifier.verify(publicKey, announcementBytes(announcement), signature)
}

/** True when both are the same signed statement, so that one that was checked need not be checked again. */
export function sameAnnouncement(a: Claim, b: Claim): boolean {
  return (
    Buffer.compare(a.signature, b.signature) === 0 &&
    Buffer.compare(announcementBytes(a.announcement), announcementBytes(b.announcement)) === 0
  )
}
