/** What a loop sleeps on: until somebody calls `wake`, or for a while. A wake that nobody waits for is not lost. */
export class Wakeup {
  #woken = false
  #resolve: (() => void) | undefined

  wake(): void {
    this.#woken = true
    this.#resolve?.()
  }

  /** Resolves at the next `wake` (or at once after one that was missed), or after `timeoutMs`. */
  async sleep(timeoutMs?: number): Promise<void> {
    if (!this.#woken) {
      await new Promise<void>((resolve) => {
        const timer = timeoutMs === undefined ? undefined : setTimeout(resolve, timeoutMs)
        this.#resolve = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    this.#resolve = undefined
    this.#woken = false
  }
}
