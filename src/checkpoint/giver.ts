/**
 * The giving side of a handoff, played by a checkpoint: a restored unit takes its state over from there as it would from
 * another peer, checked piece by piece against the certificate of a term that the job names.
 */
import type { UnitId, Wire } from '../../mesh/index.ts'
import type { Chunk, Manifest } from '../replica/handoff.ts'
import type { CheckpointGiver } from '../replica/joining.ts'
import { firstTerms } from '../replica/loading.ts'
import type { CheckpointKeeper, UnitCheckpoint } from './keeper.ts'

/** @param onProblem a unit cannot go on without what is not there; told again when the reason changes */
export function checkpointGiver(
  keeper: CheckpointKeeper | undefined,
  onProblem: (unit: UnitId, problem: string) => void,
): CheckpointGiver {
  const told = new Map<UnitId, string>()
  return async (description, request) => {
    const { unit, origin } = description
    try {
      const place = origin?.checkpoint
      if (keeper === undefined || place === undefined) {
        throw new Error(`${unit} goes on from a checkpoint, and this peer's configuration has no "checkpoints"`)
      }
      const { cluster, name } = place
      switch (request.q) {
        case 'handoff': {
          const terms = firstTerms(description)
          const found = present(await keeper.readNamed(cluster, unit, name), `${cluster}, ${unit}, ${name}`)
          return { terms, snapshot: snapshotOf(found) } satisfies Manifest as unknown as Wire
        }
        case 'chunk': {
          const bytes = present(await keeper.chunk(cluster, unit, name, request.index), `the state of ${unit}, ${name}`)
          return { bytes } satisfies Chunk as unknown as Wire
        }
        case 'batches':
          return { batches: [] }
      }
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      if (told.get(unit) !== problem) onProblem(unit, problem)
      told.set(unit, problem)
      throw error
    }
  }
}

const snapshotOf = ({ certificate, size, leaves }: UnitCheckpoint): Manifest['snapshot'] => ({
  certificate,
  size,
  leaves,
})

function present<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the checkpoint is gone: ${what}; put it back where it was`)
  return value
}
