/**
 * Rules of the protocols that can be broken on purpose, one at a time, to show that the simulator finds it. Outside of the
 * simulator none is ever set: `planted` is false, and only `test/sim` may import what sets one.
 */
export const PLANTED_BUGS = {
  'vote-before-sync': 'Statements leave while what they say is still on its way to the disk.',
  'promise-forgotten': 'A member that starts again has forgotten what it promised and accepted.',
  'lower-ballot-accepted': 'An acceptor accepts under a lower ballot than it promised.',
  'accepted-dropped': 'A proposer does not carry on a value that was accepted before.',
  'few-promises': 'A successor is made from the first promise, whoever else may have certified something.',
  'promise-without-seal': 'A member that promised goes on voting in the term.',
  'sealed-votes': 'A sealed member votes for what it computes again after a restart.',
  'unheard-ignored': 'Cuts that members not heard from may have certified are not left open.',
  'open-outvoted': 'At an open position a member votes for another digest without the proof.',
  'base-left-behind': 'A successor keeps the base of its predecessor, whatever was certified since.',
  'pause-anywhere': 'The place of a pause takes no account of what is certified or read.',
  'few-votes': 'One vote fewer than W certifies.',
  'vote-counted-twice': 'A vote that is repeated counts as another one.',
  'votes-forgotten': 'A replica that goes back to its snapshot forgets what it voted for in the term.',
  'learner-votes': 'A peer that is no member of the term votes.',
  'vote-below-base': 'A member votes again on what its term has as certified.',
  'uncertified-batch': 'A replica that was outvoted stores its own bytes beside the certificate.',
  'old-disk-signs': 'A peer goes on signing though others have seen more of it than its disk knows.',
  'released-early': 'A former member forgets a unit before its successors have it.',
  'decision-at-fetch': 'A decision is applied at the end of what was fetched, and not at its place.',
  'run-past-kept': 'A replica that has run past a decision applies it where it stands.',
  'terms-skipped': 'A replica that starts again knows the decision of the latest term only.',
  'epoch-unchecked': 'What an earlier run of a replica still reports is taken for that of the present one.',
  'input-left-out': 'The digest of the input is left out of what replicas compare.',
  'snapshot-unchecked': 'A snapshot is believed without its digest, also one that another peer hands over.',
  'partitions-unseen': 'The minimum of the watermarks is over only those partitions of the source that were seen.',
  'slice-unchecked': 'A record of the internal topic is believed without its certificate.',
  'progress-after-rows': 'The progress of a sink is written after the rows, in a transaction of its own.',
  'progress-unread': 'A writer that takes over does not read how far the sink is.',
  'stale-read': 'A read is content with one replica fewer than R.',
  'gone-before-known': 'A peer that leaves is gone before the view without it is installed.',
  'suspicion-moves-ring': 'Units are placed on those members of the view that gossip holds alive.',
  'digest-in-key': 'An object in S3 is named by its digest as well, so that two results for one place never meet.',
  'older-row-wins': 'A row in MongoDB is replaced by whatever comes, and not only by what is newer.',
  'version-unasked': 'The operators change their version as soon as one member can compute in it.',
} as const

export type PlantedBug = keyof typeof PLANTED_BUGS

let present: PlantedBug | undefined

/** Whether this rule is to be broken. */
export const planted = (bug: PlantedBug): boolean => present === bug

/** From now on, in this thread; undefined: all rules hold. */
export function plant(bug: PlantedBug | undefined): void {
  present = bug
}
