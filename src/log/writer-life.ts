/** How long a transactional writer is of use: until its first failure, or until it is closed. Both logs' writers share it. */
import { assert } from '../../mesh/index.ts'
import { QuorateError } from '../errors.ts'

export class WriterLife {
  readonly #id: string
  #committing = false
  #closed = false
  #failure: unknown

  constructor(id: string) {
    this.#id = id
  }

  /** @throws what `commit` throws; after that, and once closed, always: QRT_LOG_FENCED if it was that */
  async during(commit: () => Promise<void>): Promise<void> {
    if (this.#failure !== undefined || this.#closed) throw this.#spent()
    assert(!this.#committing, 'a writer commits one thing after another')
    this.#committing = true
    try {
      await commit()
    } catch (error) {
      this.#failure = error
      throw error
    } finally {
      this.#committing = false
    }
  }

  /** True for the first time. */
  close(): boolean {
    const first = !this.#closed
    this.#closed = true
    return first
  }

  #spent(): QuorateError {
    const fenced = this.#failure instanceof QuorateError && this.#failure.code === 'QRT_LOG_FENCED'
    const why = this.#closed ? 'was closed' : fenced ? 'was fenced' : 'has failed'
    const code = fenced ? 'QRT_LOG_FENCED' : 'QRT_LOG_UNREACHABLE'
    return new QuorateError(code, `the writer "${this.#id}" ${why}; open a new one`)
  }
}
