/** SHA-256 over all that happened in a run, in order. Texts are hashed many at a time: most runs are made of small ones. */
import { createHash } from 'node:crypto'

const CHUNK_CHARACTERS = 65_536

export class Trace {
  readonly #hash = createHash('sha256')
  #waiting = ''

  add(text: string): void {
    this.#waiting += text
    if (this.#waiting.length >= CHUNK_CHARACTERS) this.#take()
  }

  /** Of everything so far; nothing can be added afterwards. */
  digest(): string {
    this.#take()
    return this.#hash.digest('hex')
  }

  #take(): void {
    this.#hash.update(this.#waiting)
    this.#waiting = ''
  }
}
