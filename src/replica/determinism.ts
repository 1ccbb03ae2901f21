/**
 * Determinism versions: what the operators give for the same input may change only between two of them. A replica computes
 * in the version that its unit is in, whatever the process could do beyond.
 */

/** In which every unit begins that was not told otherwise. */
export const FIRST_VERSION = 1
/** What this release can compute in. */
export const DETERMINISM_VERSIONS: readonly number[] = [FIRST_VERSION]
