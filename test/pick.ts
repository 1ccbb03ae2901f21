/** Choices of the simulator and of benchmarks, which are functions of a seed. */
import type { Random } from '../mesh/random.ts'

/** One of some, by one random number. @param among not empty */
export const pick = <T>(among: readonly T[], random: Random): T => among[random.below(among.length)] as T
