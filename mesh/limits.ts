/** Every bound of the mesh, in one place, with what happens at it. */
export const LIMITS = {
  /** Votes of one unit are counted at most at this many positions beyond its frontier; later ones are asked for again. */
  pollsPerUnit: 512,
  /** Determinism versions that one peer names; the rest is not read. */
  versions: 64,
  /** Votes that are repeated at once; the next ones follow when these are certified. */
  repeatedVotes: 8,
  /** Contents that a replica may compute beyond the frontier before its source pauses. */
  runAheadCuts: 64,
  /** Certificates and terms in one answer to `ask`; the asker asks again for the rest. */
  tellCertificates: 64,
  /** Statements in one flush; the rest goes in the next. */
  flushStatements: 1024,
  /** Addresses of other peers kept for the next start; the longest unchanged go first. */
  addresses: 64,
  /** Requests of one peer that wait for an answer; more fail at once with QRT_MESH_OVERLOADED. */
  pendingRequests: 256,
} as const

/** Every duration of agreement, in milliseconds. */
export const TIMING = {
  /** The cores are given the time so often. */
  tickMs: 20,
  /** A flush is made this long after its first statement, so that one sync and one signature serve many. */
  flushDelayMs: 2,
  /** Own votes that are not certified yet are repeated after this long, then twice as long, up to the maximum. */
  resendMs: 250,
  resendMaxMs: 2_000,
  /** A peer that is no member of a unit's term asks one of the members this often. */
  askMs: 1_000,
  /** Peers tell one another where their units stand. */
  heartbeatMs: 400,
  /** A peer looks this often whether the view should change. */
  viewMs: 200,
  /** From one step of the view to the next that the same peer proposes. */
  stepPauseMs: 200,
  /** Whom a new term is to name must have said within this that it is ready. */
  standingMs: 2_000,
  /** Each rank waits this much longer before it proposes the same decision; two ticks where those are longer. */
  proposeStaggerMs: 150,
  /** A wish that could not be granted is put forward again after this, doubled up to the maximum; a cut that fails again and again, too. */
  wishPauseMs: 250,
  wishPauseMaxMs: 10_000,
  /** A proposer with enough promises waits this long for the members that are alive. */
  promiseGraceMs: 60,
  /** An attempt that is not finished is given up and repeated under a higher ballot after this plus a random share. */
  attemptMs: 600,
  /** A sealed member that has heard of no successor finishes the succession itself. */
  sealedMs: 1_000,
} as const
