/** How long something hostile keeps a thread, in processor time: wall time would say what else the machine does. */
import process from 'node:process'

/** Nothing hostile should take longer, since it is looked at where peers vote and answer. `npm run bench -- rejections` measures it. */
const MEANT_MS = 50

/** What a test allows: machines differ, and what explodes takes seconds. */
export const MOST_MS = 5 * MEANT_MS

const spent = (): number => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** The least of a few attempts: the first one compiles code, and a collection can fall into any. */
export function leastTime<Result>(run: () => Result): { readonly ms: number; readonly result: Result } {
  let ms = Number.POSITIVE_INFINITY
  for (let attempt = 0; ; attempt++) {
    const before = spent()
    const result = run()
    ms = Math.min(ms, spent() - before)
    if (ms < MEANT_MS || attempt >= 4) return { ms, result }
  }
}
