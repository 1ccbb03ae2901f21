/**
 * What `quorate doctor` finds: one verdict a thing, with a sentence that says what was seen and, where something is wrong, what
 * to do. A check never throws and never takes longer than its bound, so one thing that is broken hides no other.
 */
import { QuorateError } from '../errors.ts'

export type Verdict = 'ok' | 'warning' | 'failed'

export interface Finding {
  /** What was looked at, such as `log` or `sink kafka:results`. */
  readonly name: string
  readonly verdict: Verdict
  readonly detail: string
}

/** What a check says of its thing. */
export type Said = Omit<Finding, 'name'>

export interface Check {
  readonly name: string
  readonly look: () => Promise<Said>
}

export const ok = (detail: string): Said => ({ verdict: 'ok', detail })
export const warning = (detail: string): Said => ({ verdict: 'warning', detail })
export const failed = (detail: string): Said => ({ verdict: 'failed', detail })

/** One after another: what is measured is not disturbed by another check. */
export async function* findings(checks: readonly Check[], boundMs: number): AsyncGenerator<Finding> {
  for (const { name, look } of checks) yield { name, ...(await bounded(look, boundMs)) }
}

async function bounded(look: () => Promise<Said>, boundMs: number): Promise<Said> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Said>((resolve) => {
    const detail = `no answer within ${boundMs} ms; try again, or give --timeout`
    timer = setTimeout(() => resolve(failed(detail)), boundMs)
  })
  try {
    return await Promise.race([look().catch((error) => failed(reasonOf(error))), late])
  } finally {
    clearTimeout(timer)
  }
}

/** A message with its code; of anything but our own errors what Node says. */
export function reasonOf(error: unknown): string {
  if (error instanceof QuorateError) return `${error.message} [${error.code}]`
  return error instanceof Error ? error.message : String(error)
}

export const milliseconds = (ms: number): string => `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
