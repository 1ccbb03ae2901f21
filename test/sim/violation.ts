/** What a check found, and which check it was. */

/** Names of the checks: what the README lists, and what a planted bug is found by. */
export const CHECKS = {
  'one vote': 'A peer votes once for each position of each term, across restarts.',
  'one flush': 'Each number of a flush is signed once, unless the disk became an old one.',
  'old disks are silent': 'A peer that is told of more than its disk knows signs no more.',
  'durable first': 'What a peer signed is on its disk when it leaves.',
  'sealed is silent': 'After its promise a peer votes no more in the term.',
  'promises kept': 'An acceptor promises and accepts in the order of ballots only.',
  'members vote': 'Only members of a term vote in it, beyond its base.',
  'open is kept': 'Nobody votes against an open cut that W members had voted for.',
  'one successor': 'A term, and a control document, has one successor.',
  'changes in order': 'Changes of the control document, and the answers to them, are those of one order in time.',
  'nothing left out': 'What was certified is in the base of every later term, or open there.',
  'decisions after': 'A decision lies behind all that was certified in earlier terms.',
  'placed by the ring': 'The members of a term are those of the ring over its view.',
  'versions known': 'The version of the operators changes only where every member can compute in it.',
  'W signers': 'A certificate has W distinct signers, who are members and voted for it.',
  'one chain': 'There is one certified digest for each position, and each continues the one before.',
  'input as in the log':
    'The digest of the input of a cut is that of the records in the log, and of the slices between two stages.',
  'certified bytes': 'The bytes that a peer stores beside a certificate are those that were certified.',
  'rows at the sink': 'Every row at the sink is a certified one, none is there twice.',
  complete:
    'In the end the sink has what the source says: nothing lost, nothing more, exact; and no row comes late to a later stage.',
  progress: 'When the faults end, that is so within a bounded time.',
  'nobody diverges': 'A peer that was not made to compute wrongly never differs.',
  'no halt': 'A unit halts only for what the faults did to it.',
  'reads are fresh': 'A read that does not say otherwise has all that was acknowledged before it began.',
  'reads are certified': 'Every row of a read is a certified one.',
  'identity kept': 'A peer gives up its identity only when its disk was damaged or an old one.',
  'released last': 'A former member forgets a unit when a majority of its successors have it.',
  restored: 'A cluster that has lost every disk is made anew from its checkpoints.',
  'gone last': 'A peer that leaves is gone when a majority of the acceptors have the view without it.',
  'forgery refused': 'A record of the internal topic that is no certified slice halts the unit.',
  'same trace': 'The same seed gives the same run.',
  'no assertion': 'Nothing in a peer throws what is no operating error.',
} as const

export type Check = keyof typeof CHECKS

export class Violation extends Error {
  readonly check: Check

  constructor(check: Check, message: string) {
    super(message)
    this.check = check
  }
}
