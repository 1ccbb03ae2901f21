/** A peer as a process has it: the real clock, network, disk, threads and HTTP server, put together and taken apart. */
import { join } from 'node:path'
import {
  createVerifier,
  createWebSocketTransport,
  loadOrCreateIdentity,
  monotonicClock,
  type Retirement,
  seededRandom,
  type ViewSettings,
} from '../../mesh/index.ts'
import type { CheckpointSettings } from '../checkpoint/place.ts'
import { restore } from '../checkpoint/restorer.ts'
import type { SinkConnections } from '../commit/sink.ts'
import { CommitThread } from '../commit/thread.ts'
import { QuorateError } from '../errors.ts'
import { type FunctionSource, loadFunctions } from '../functions/module.ts'
import type { ApiToken } from '../http/auth.ts'
import { startHttp } from '../http/server.ts'
import type { LogSettings } from '../log/log.ts'
import { openLog } from '../log/open.ts'
import { createLogger, type Logger, type LogLevel } from '../logger.ts'
import { createMetrics } from '../metrics.ts'
import { WorkerPool } from '../replica/pool.ts'
import { openStoreThread } from '../store/thread.ts'
import { timedStore } from '../store/timed.ts'
import { VERSION } from '../version.ts'
import { Front } from './front.ts'
import { Gauges } from './gauges.ts'
import { Growth } from './growth.ts'
import { Observer } from './observer.ts'
import { Opened } from './opened.ts'
import { Peer } from './peer.ts'
import { Submissions } from './submissions.ts'

/** How long a peer that has left still answers: whoever asked it to learns that it has. */
const LEFT_MS = 5_000

export interface PeerSettings {
  /** Empty: the first digits of its id. */
  readonly name: string
  readonly dataDirectory: string
  readonly seeds: readonly string[]
  readonly bootstrapExpect: number | undefined
  readonly listen: { readonly host: string; readonly port: number }
  readonly advertise: string | undefined
  readonly http: { readonly host: string; readonly port: number }
  readonly secret: Uint8Array | undefined
  readonly tokens: readonly ApiToken[]
  readonly insecure: boolean
  readonly log: LogSettings
  readonly connections: SinkConnections
  readonly checkpoints: CheckpointSettings | undefined
  /** The cluster whose jobs this one takes over, from its checkpoints. */
  readonly restore: string | undefined
  /** When peers are admitted and removed. */
  readonly view: Pick<ViewSettings, 'admitAfterMs' | 'removeAfterMs'>
  /** Modules that expressions may call functions of. */
  readonly functions: readonly FunctionSource[]
  readonly workers: number
  readonly logLevel: LogLevel
  readonly logFormat: 'text' | 'json'
  /** Must not appear in any output. */
  readonly secrets: readonly string[]
}

export interface RunningPeer {
  readonly peer: Peer
  readonly api: Front
  readonly id: string
  readonly name: string
  /** `ws://host:port` for seeds. */
  readonly address: string
  /** `http://host:port` */
  readonly httpAddress: string
  readonly logger: Logger
  /** Resolves when the peer had to stop by itself, with the reason. */
  readonly failed: Promise<Error>
  /** Resolves when it was asked to leave and has: it can be closed. */
  readonly left: Promise<void>
  /** Resolves when this identity must not be used again. */
  readonly retired: Promise<Retirement>
  /** Of all its parts; what hangs or fails is left behind, and said. */
  close(): Promise<void>
}

/** What tests replace; a peer that people start has none of it. */
export interface StartHooks {
  /** The module that replica threads run. */
  readonly replicaThread?: URL
}

/** @throws QuorateError, MeshError: the peer did not start, and nothing of it is left */
export async function startPeer(settings: PeerSettings, hooks: StartHooks = {}): Promise<RunningPeer> {
  const { logLevel: level, logFormat: format, secrets } = settings
  const logger = createLogger({ level, format, secrets })
  const opened = new Opened((part, why) => logger.warn('a part of this peer was not closed', { part, why }))
  try {
    return await start(settings, hooks, logger, opened)
  } catch (error) {
    await opened.close()
    throw error
  }
}

async function start(settings: PeerSettings, hooks: StartHooks, logger: Logger, opened: Opened): Promise<RunningPeer> {
  const { dataDirectory, secret, listen, advertise, insecure, seeds, bootstrapExpect } = settings
  const failure = Promise.withResolvers<Error>()
  const retirement = Promise.withResolvers<Retirement>()
  // Before anything of the cluster: jobs on disk may call them.
  for (const module of settings.functions) await loadFunctions(module)
  const signer = loadOrCreateIdentity(dataDirectory)
  const name = settings.name === '' ? signer.id.slice(0, 8) : settings.name
  const transport = createWebSocketTransport({
    signer,
    name,
    secret,
    listen,
    ...(advertise === undefined ? {} : { advertise }),
    insecure,
  })
  const metrics = createMetrics()
  const now = () => monotonicClock.now()
  const thread = await openStoreThread(join(dataDirectory, 'store.sqlite'), { onFailure: failure.resolve })
  const store = timedStore(thread, now, (durationMs) => metrics.storeWrite(durationMs / 1000))
  opened.add('store', () => store.close())
  const known = (await store.get('control', 'document')) !== undefined
  if (!known && seeds.length === 0 && bootstrapExpect === undefined) {
    throw new QuorateError(
      'QRT_CONFIG_INVALID',
      'this peer knows no cluster: give --seed ws://host:port of a member, or start one with --bootstrap-expect K (--bootstrap for a cluster of one)',
    )
  }
  const log = await openLog(settings.log)
  opened.add('log', () => log.close())
  const commits = new CommitThread(
    { log: settings.log, connections: settings.connections, self: signer.id, checkpoints: settings.checkpoints },
    failure.resolve,
  )
  opened.add('sinks', () => commits.stop())
  const wallClock = () => Date.now()
  const observer = new Observer({ logger, metrics, wallClock })
  const random = seededRandom(signer.publicKey.reduce((seed, byte) => (seed * 31 + byte) | 0, Date.now() | 0))
  const peer = new Peer(
    {
      clock: monotonicClock,
      wallClock,
      random,
      signer,
      verifier: createVerifier(),
      transport,
      store,
      workers: (events) =>
        new WorkerPool({
          log: settings.log,
          functions: settings.functions,
          threads: settings.workers,
          ...events,
          ...(hooks.replicaThread === undefined ? {} : { thread: hooks.replicaThread }),
        }),
      sink: (plan) => commits.sink(plan),
      trim: (at, offset) => log.trim(at, offset),
      ...(settings.checkpoints === undefined ? {} : { checkpoints: commits.checkpoints }),
      observer,
    },
    {
      name,
      version: VERSION,
      seeds,
      bootstrapExpect,
      view: settings.view,
      onFailure: failure.resolve,
      onRetired: retirement.resolve,
    },
  )
  // Its threads run from here on: without this, a peer that fails to start would never end.
  opened.add('replicas', () => peer.close())
  observer.naming((id) => peer.nameOf(id))
  const submissions = new Submissions({ peer, log, sink: (plan) => commits.sink(plan), wallClock, logger })
  const gauges = new Gauges({ peer, version: VERSION, dataDirectory, ready: () => api.ready().ready, now, wallClock })
  const api: Front = new Front({
    peer,
    submissions,
    observer,
    metrics: async () => metrics.metricsText(await gauges.sample()),
    name,
    version: VERSION,
    now,
  })
  const http = await startHttp(api, { listen: settings.http, tokens: settings.tokens, insecure, logger })
  opened.add('api', () => http.close())
  await peer.start(http.address)
  const growth = new Growth({ peer, log, clock: monotonicClock, random, logger })
  growth.start()
  opened.add('growth', async () => growth.close())
  let closed = false
  opened.add('restoring', async () => {
    closed = true
  })
  if (settings.restore !== undefined) {
    restore({
      cluster: settings.restore,
      node: peer.node,
      logger,
      keeper: commits.checkpoints,
      sink: (plan) => commits.sink(plan),
      verifies: (certificate, terms) => peer.node.verifies(certificate, terms),
      after: (delayMs, action) => monotonicClock.after(delayMs, action),
      stopped: () => closed,
    }).catch((error) => {
      if (!closed) failure.resolve(error instanceof Error ? error : new Error(String(error)))
    })
  }
  return {
    peer,
    api,
    id: signer.id,
    name,
    address: transport.self.address,
    httpAddress: http.address,
    logger,
    failed: failure.promise,
    left: peer.leaving.left.then(() => new Promise((resolve) => monotonicClock.after(LEFT_MS, resolve))),
    retired: retirement.promise,
    // In the opposite order: no requests, no records, no commits, no disk.
    close: () => opened.close(),
  }
}
