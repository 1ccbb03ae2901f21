/** `quorate demo`: a cluster of three peers on this machine, on real flights. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DemoPeers } from '../demo/peers.ts'
import { QuorateError } from '../errors.ts'
import { EXIT } from './exit.ts'
import { keyPresses } from './keys.ts'
import type { Verb, VerbOptions } from './verb.ts'

const NAMES = ['ada', 'bo', 'cy']
const ONCE_WITHIN_MS = 120_000
const DAY_MS = 1_000
const KILL_AFTER_MS = 20_000
const BACK_AFTER_MS = 10_000
const FIRST_PORT = 7401

export const verb: Verb = {
  summary: 'Three peers on this machine, real flights, certified windows',
  description: [
    'Starts three peer processes on the embedded log and replays 20,000 flights of 2001, a day a second. Shows which cuts are',
    'certified and by whom. One peer is killed after a while (or when you press k) and comes back. Nothing stays behind.',
  ].join('\n'),
  args: [],
  options: {
    once: { type: 'boolean', help: 'All flights to the end at once; with -o json, every row and signer' },
    data: { type: 'string', placeholder: 'DIR', help: 'Keep everything here instead of in a temporary directory' },
    port: {
      type: 'string',
      placeholder: 'PORT',
      help: `First of three HTTP ports (default ${FIRST_PORT}; 0: free ones)`,
    },
  },
  examples: [
    { command: 'quorate demo', what: 'until Ctrl-C' },
    { command: 'quorate demo --once -o json', what: 'all rows with the signers of every cut' },
  ],
  handlesSignals: true,
  run: async ({ options, output }) => {
    const once = options.flag('once')
    const kept = options.string('data')
    const directory = kept ?? mkdtempSync(join(tmpdir(), 'quorate-demo-'))
    mkdirSync(directory, { recursive: true })
    const stop = new AbortController()
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => stop.abort())
    const { openLog } = await import('../log/open.ts')
    const peers = new DemoPeers(directory)
    const log = await openLog({ kind: 'embedded', directory: peers.logDirectory })
    try {
      await peers.start(NAMES, once ? 0 : portOf(options))
      if (once) {
        const { runOnce } = await import('../demo/once.ts')
        const onProgress = (text: string) => output.note(text)
        const result = await runOnce(peers, log, { timeoutMs: ONCE_WITHIN_MS, signal: stop.signal, onProgress })
        const { rows, cuts, flights, elapsedMs } = result
        if (output.format === 'text') {
          output.line(
            `${flights} flights became ${rows.length} rows in ${elapsedMs} ms, every row certified and final: ` +
              `${cuts.length} cuts, each signed by at least 2 of 3 peers.`,
          )
        } else output.json(result)
      } else {
        const { LiveDemo } = await import('../demo/live.ts')
        const demo = new LiveDemo(peers, log, {
          signal: stop.signal,
          output,
          dayMs: DAY_MS,
          killAfterMs: KILL_AFTER_MS,
          backAfterMs: BACK_AFTER_MS,
          keys: keyPresses(process.stdin, stop),
        })
        await demo.run()
      }
      return EXIT.ok
    } catch (error) {
      if (stop.signal.aborted) return once ? EXIT.interrupted : EXIT.ok
      throw error
    } finally {
      await peers.stop()
      await log.close()
      if (kept === undefined) rmSync(directory, { recursive: true, force: true })
    }
  },
}

function portOf(options: VerbOptions): number {
  const text = options.string('port') ?? String(FIRST_PORT)
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_533) return port
  throw new QuorateError('QRT_USAGE', `--port: expected a port from 0 to 65533, found "${text}"`)
}
