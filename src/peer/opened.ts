/**
 * The parts of a peer that were opened, closed in the opposite order. One that hangs (a broker that is away, a record that
 * keeps its thread busy) or fails keeps neither the others from closing nor the process from ending: whatever is durable
 * is, and the rest is for the next start.
 */

/** A part is closed in moments; one that waits for the network gives up in a few seconds. */
const PART_WITHIN_MS = 5_000

interface Part {
  readonly name: string
  readonly close: () => Promise<void>
}

export class Opened {
  readonly #parts: Part[] = []
  readonly #onProblem: (part: string, why: string) => void
  readonly #withinMs: number
  #closing: Promise<void> | undefined

  /** @param onProblem a part did not close, and was left behind */
  constructor(onProblem: (part: string, why: string) => void, withinMs = PART_WITHIN_MS) {
    this.#onProblem = onProblem
    this.#withinMs = withinMs
  }

  add(name: string, close: () => Promise<void>): void {
    this.#parts.push({ name, close })
  }

  /** Resolves, and never rejects, once all are closed or left behind. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    for (const part of this.#parts.toReversed()) {
      const why = await this.#problemOf(part)
      if (why !== undefined) this.#onProblem(part.name, why)
    }
  }

  async #problemOf({ close }: Part): Promise<string | undefined> {
    const { promise: late, resolve } = Promise.withResolvers<string>()
    const timer = setTimeout(() => resolve(`it took longer than ${this.#withinMs} ms`), this.#withinMs)
    const closing = close().then(
      () => undefined,
      (error: unknown) => (error instanceof Error ? error.message : String(error)),
    )
    try {
      return await Promise.race([closing, late])
    } finally {
      clearTimeout(timer)
    }
  }
}
