/**
 * A real Kafka broker (KRaft, one node): the one that QUORATE_TEST_KAFKA names (`host:port,host:port`), or one started
 * here on free loopback ports from the published jars.
 */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { obtain, type Unavailable } from './availability.ts'
import { jars, tool } from './build.ts'
import { freePorts, type Launch, launch } from './server.ts'

export interface KafkaService {
  readonly brokers: string[]
  /** The same brokers over TLS and SASL, if it was asked for. */
  readonly secured: string[]
  /** Where a wire to it leads, if one was asked for. */
  readonly wired: string | undefined
  /** Everything that it writes: data, log. Undefined when it is not ours. */
  readonly folder: string | undefined
  /** With `keep`, what it wrote stays. */
  stop(options?: { readonly keep?: boolean }): Promise<void>
  /** Only to a private one. */
  signal(signal: NodeJS.Signals): void
  /** Ends the broker as a crash does. Only a private one. */
  kill(): Promise<void>
  /** Starts it again on the same ports and data, after `kill` or while it runs. Only a private one. */
  restart(): Promise<void>
}

const VERSION = '4.3.1'
const COORDINATES = [
  `org.apache.kafka:kafka_2.13:${VERSION}`,
  `org.apache.kafka:kafka-tools:${VERSION}`,
  'org.slf4j:slf4j-simple:1.7.36',
]
const TO_INSTALL =
  'Java 17 or newer and Maven (apt-get install openjdk-17-jdk-headless maven), or set QUORATE_TEST_KAFKA'

/** A broker that is killed is missed soon, and comes back soon; one that others share is not fenced when the machine is busy. */
const SOON_MISSED = ['broker.session.timeout.ms=2000', 'broker.heartbeat.interval.ms=500']

export interface KafkaOptions {
  /** A broker of the caller's own, which may be killed and restarted; else one shared with other tests may do. */
  readonly private?: boolean
  /** Settings of a listener for TLS and SASL (server.properties), only for a private one. */
  readonly secured?: readonly string[]
  /** Other settings (server.properties), only for a private one. */
  readonly settings?: readonly string[]
  /** Port of a wire (faulty-wire.ts): its clients are told to connect to it. Only for a private one. */
  readonly wire?: number
}

export function kafka(options: KafkaOptions = {}): Promise<KafkaService | Unavailable> {
  const named = process.env.QUORATE_TEST_KAFKA
  if (named !== undefined && options.private !== true) return Promise.resolve(shared(named.split(',')))
  return obtain('Kafka', TO_INSTALL, () => startNative(options))
}

function shared(brokers: string[]): KafkaService {
  const refuse = async () => {
    throw new Error('this broker is shared with other tests: ask for kafka({ private: true })')
  }
  const nothing = { secured: [], wired: undefined, folder: undefined }
  const signal = () => {
    throw new Error('this broker is shared with other tests: ask for kafka({ private: true })')
  }
  return { ...nothing, brokers, stop: async () => undefined, signal, kill: refuse, restart: refuse }
}

/** The folder of Kafka's jars, with its command-line tools: a Java client to compare with. */
export const kafkaJars = (): Promise<string> => jars(`kafka-${VERSION}`, COORDINATES)

async function startNative({
  private: own,
  secured = [],
  settings: others = [],
  wire,
}: KafkaOptions): Promise<KafkaService> {
  const jarFolder = await kafkaJars()
  const folder = await mkdtemp(join(tmpdir(), 'quorate-kafka-'))
  const [port = 0, controllerPort = 0, securedPort = 0, wiredPort = 0] = await freePorts(4)
  const settings = join(folder, 'server.properties')
  await mkdir(join(folder, 'data'))
  const ports = {
    port,
    controllerPort,
    ...(secured.length > 0 ? { securedPort } : {}),
    ...(wire === undefined ? {} : { wire, wiredPort }),
  }
  const sessions = own === true ? SOON_MISSED : []
  await writeFile(settings, [properties(ports, join(folder, 'data')), ...sessions, ...secured, ...others].join('\n'))
  const java = ['-cp', join(jarFolder, '*'), '-Xms128m', '-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1']
  // One that begins with a hyphen would be taken for an option.
  const clusterId = randomBytes(16).toString('base64url').replace(/^-/, '_')
  await tool('java', [...java, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', settings])
  const options: Launch = {
    name: 'kafka',
    command: 'java',
    args: [...java, 'kafka.Kafka', settings],
    logFile: join(folder, 'server.log'),
    ready: /Kafka Server started/,
    readyWithinMs: 120_000,
  }
  let server = await launch(options)
  return {
    brokers: [`127.0.0.1:${port}`],
    secured: secured.length > 0 ? [`127.0.0.1:${securedPort}`] : [],
    wired: wire === undefined ? undefined : `127.0.0.1:${wiredPort}`,
    folder,
    async stop({ keep = false } = {}) {
      await server.kill()
      if (!keep) await rm(folder, { recursive: true, force: true })
    },
    signal: (signal) => server.signal(signal),
    kill: () => server.kill(),
    async restart() {
      await server.stop()
      server = await launch(options)
    },
  }
}

/** One node; every internal topic has one replica, and groups form at once. */
function properties(
  ports: { port: number; controllerPort: number; securedPort?: number; wire?: number; wiredPort?: number },
  dataFolder: string,
): string {
  const { port, controllerPort, securedPort, wire, wiredPort } = ports
  const clients = [`PLAINTEXT://127.0.0.1:${port}`]
  if (securedPort !== undefined) clients.push(`SECURED://127.0.0.1:${securedPort}`)
  const told = wire === undefined ? clients : [...clients, `WIRED://127.0.0.1:${wire}`]
  const heard = wire === undefined ? clients : [...clients, `WIRED://127.0.0.1:${wiredPort}`]
  return `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=${heard.join(',')},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=${told.join(',')}
controller.listener.names=CONTROLLER
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,WIRED:PLAINTEXT,SECURED:SASL_SSL
inter.broker.listener.name=PLAINTEXT
log.dirs=${dataFolder}
auto.create.topics.enable=false
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
`
}
