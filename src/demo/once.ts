/** `quorate demo --once`: all flights to the end, every row certified and final, with the signers of every cut. */
import type { Client } from '../cli/client.ts'
import { QuorateError } from '../errors.ts'
import type { WindowPage } from '../http/api.ts'
import { HTTP_LIMITS } from '../http/limits.ts'
import type { Log } from '../log/log.ts'
import { loadFlights } from './flights.ts'
import { JOB, jobText, PARTITIONS, recordsOf, TOPIC } from './job.ts'
import type { DemoPeers } from './peers.ts'
import { whenReady } from './ready.ts'

export interface OnceResult {
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  readonly cuts: readonly {
    readonly unit: string
    readonly seq: number
    readonly part: number
    readonly signers: readonly string[]
  }[]
  readonly flights: number
  readonly elapsedMs: number
}

const POLL_MS = 50

/** @throws QuorateError when it does not finish within `timeoutMs`, or a row is not certified and final */
export async function runOnce(
  peers: DemoPeers,
  log: Log,
  options: { readonly timeoutMs: number; readonly signal: AbortSignal; readonly onProgress: (text: string) => void },
): Promise<OnceResult> {
  const { timeoutMs, signal, onProgress } = options
  const started = performance.now()
  const flights = loadFlights()
  await log.createTopic(TOPIC, { partitions: PARTITIONS })
  for (const [partition, records] of recordsOf(flights)) await log.append(partition, records)
  onProgress(`${flights.length} flights are in the log`)
  const client = await whenReady(peers, timeoutMs, signal)
  onProgress(`${peers.all.length} peers form a cluster`)
  await client.submit({ text: jobText(true), format: 'yaml', file: 'demo' })
  const deadline = started + timeoutMs
  for (let state = ''; state !== 'finished'; ) {
    if (performance.now() > deadline) throw unfinished(timeoutMs, state)
    await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    signal.throwIfAborted()
    state = (await client.job(JOB)).state
  }
  const pages = await everyPage(client, () => {
    signal.throwIfAborted()
    if (performance.now() > deadline) throw unfinished(timeoutMs, 'finished, and its results cannot be read yet')
  })
  return { ...collect(pages), flights: flights.length, elapsedMs: Math.round(performance.now() - started) }
}

/** @param mayRepeat throws when it is too late for that */
async function everyPage(client: Client, mayRepeat: () => void): Promise<WindowPage[]> {
  const pages: WindowPage[] = []
  for (let cursor: string | undefined; ; ) {
    const page = await client.windows(JOB, { limit: HTTP_LIMITS.pageRows, cursor })
    if (page.mayBeStale) {
      mayRepeat()
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
      continue
    }
    pages.push(page)
    cursor = page.next
    if (cursor === undefined) return pages
  }
}

function collect(pages: readonly WindowPage[]): Pick<OnceResult, 'rows' | 'cuts'> {
  const rows: Readonly<Record<string, unknown>>[] = []
  const cuts = new Map<string, OnceResult['cuts'][number]>()
  for (const { rows: found, certificates } of pages) {
    for (const row of found) {
      const certificate = row.certificate === undefined ? undefined : certificates[row.certificate]
      if (!row.certified || !row.final || certificate === undefined) {
        throw new QuorateError('QRT_QUORUM_NOT_MET', `a row is not certified and final: ${JSON.stringify(row)}`)
      }
      rows.push({ window: row.window, key: row.key, ...row.values })
      const { unit, seq, part } = certificate.certificate.content
      cuts.set(`${unit} ${seq}.${part}`, { unit, seq, part, signers: certificate.signerNames })
    }
  }
  return { rows, cuts: [...cuts.values()] }
}

const unfinished = (timeoutMs: number, state: string): QuorateError =>
  new QuorateError(
    'QRT_TIMEOUT',
    `not finished within ${timeoutMs} ms; the job is ${state === '' ? 'starting' : state}`,
  )
