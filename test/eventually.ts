/**
 * Waits for a condition on real time, with a deadline. What will surely come may take long on a machine that does much else,
 * so the deadline is generous: only a failure pays for it. A condition that cannot be asked yet (a peer that is starting, a
 * read for which replicas are missing) is one that does not hold yet; why it could not be asked is told at the deadline.
 * An assertion in it is a verdict, and ends the wait.
 */
import { AssertionError } from 'node:assert/strict'

const DEADLINE_MS = 60_000
const LOOK_EVERY_MS = 5

export async function eventually(
  what: string,
  condition: () => boolean | Promise<boolean>,
  deadlineMs = DEADLINE_MS,
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    let failure: unknown
    try {
      if (await condition()) return
    } catch (error) {
      if (error instanceof AssertionError) throw error
      failure = error
    }
    if (performance.now() > deadline) {
      throw new Error(`not within ${deadlineMs} ms: ${what}`, failure === undefined ? {} : { cause: failure })
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
}
