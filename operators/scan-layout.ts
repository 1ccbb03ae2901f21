/**
 * The names of an object's fields, guessed. Records of one topic nearly always have the same names in the same order, so
 * the k-th name is first compared, four bytes at a time, with the k-th name of an earlier record, quotes and colon
 * included. Only a name that differs is read byte by byte. A guess never decides what is valid: equal bytes are.
 */
const MOST_NAMES = 128
const MOST_BYTES = 64
/** Records of two layouts in turn would otherwise be learnt anew each time. */
const LESSONS = 1024

interface Guess {
  /** Bytes of `"name":`, at least four. */
  readonly length: number
  readonly words: Int32Array
  /** The last four bytes; they overlap the words unless the length is a multiple of four. */
  readonly last: number
  readonly index: number
}

export class NameLayout {
  readonly #guesses: Guess[] = []
  #lessons = LESSONS

  /** The guess for name `k` if it stands at `at`; `end` is where the record ends. */
  at(k: number, view: DataView, at: number, end: number): Guess | undefined {
    const guess = k < this.#guesses.length ? this.#guesses[k] : undefined
    if (guess === undefined || at + guess.length > end) return undefined
    const { words } = guess
    for (let i = 0; i < words.length; i++) if (view.getInt32(at + 4 * i, true) !== words[i]) return undefined
    return view.getInt32(at + guess.length - 4, true) === guess.last ? guess : undefined
  }

  /** Remembers the `"name":` in [start, end) as name `k`, which is the wanted name `index` or none (-1). */
  learn(k: number, view: DataView, start: number, end: number, index: number): void {
    const length = end - start
    if (this.#lessons === 0 || k > this.#guesses.length || k >= MOST_NAMES || length < 4 || length > MOST_BYTES) return
    this.#lessons -= 1
    const words = new Int32Array(length >> 2)
    for (let i = 0; i < words.length; i++) words[i] = view.getInt32(start + 4 * i, true)
    this.#guesses[k] = { length, words, last: view.getInt32(end - 4, true), index }
  }
}
