/** The record fields that a stage reads. Each gets a slot; the scanner fills slots and skips everything else. */
export class FieldSet {
  readonly #paths: (readonly string[])[] = []

  get paths(): readonly (readonly string[])[] {
    return this.#paths
  }

  /** The slot of a path such as ["user", "id"]; the empty path is the whole record. */
  slotOf(path: readonly string[]): number {
    const known = this.#paths.findIndex(
      (other) => other.length === path.length && other.every((name, i) => name === path[i]),
    )
    if (known >= 0) return known
    this.#paths.push([...path])
    return this.#paths.length - 1
  }
}
