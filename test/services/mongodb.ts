/**
 * A server of MongoDB's protocol: the one that QUORATE_TEST_MONGODB names (a connection string), or mongo-java-server,
 * which keeps its data in a file but knows neither sessions nor transactions.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { obtain, type Unavailable } from './availability.ts'
import { classes, jars } from './build.ts'
import { freePorts, launch } from './server.ts'

export interface MongodbService {
  readonly url: string
  stop(): Promise<void>
}

const VERSION = '1.47.0'
const COORDINATES = [
  `de.bwaldvogel:mongo-java-server:${VERSION}`,
  `de.bwaldvogel:mongo-java-server-h2-backend:${VERSION}`,
  'org.slf4j:slf4j-simple:2.0.16',
]
/**
 * Of the server, which answers a connection on the thread that it is given: with the usual two a processor, a driver that
 * asks whether the server is alive waits behind the writes of others, and takes it for gone.
 */
const THREADS = '-Dio.netty.eventLoopThreads=64'
const TO_INSTALL =
  'Java 17 or newer and Maven (apt-get install openjdk-17-jdk-headless maven), or set QUORATE_TEST_MONGODB'

export function mongodb(): Promise<MongodbService | Unavailable> {
  const url = process.env.QUORATE_TEST_MONGODB
  return url === undefined
    ? obtain('MongoDB', TO_INSTALL, startNative)
    : Promise.resolve({ url, stop: async () => undefined })
}

async function startNative(): Promise<MongodbService> {
  const jarFolder = await jars(`mongo-java-server-${VERSION}`, COORDINATES)
  const source = join(import.meta.dirname, 'Launcher.java')
  const launcher = await classes(`mongo-java-server-${VERSION}-launcher`, source, jarFolder)
  const folder = await mkdtemp(join(tmpdir(), 'quorate-mongodb-'))
  const [port] = await freePorts(1)
  const server = await launch({
    name: 'mongo-java-server',
    command: 'java',
    args: [
      '-cp',
      [join(jarFolder, '*'), launcher].join(delimiter),
      // It keeps what changed lately in memory, and closes its store for good when there is too little.
      '-Xmx1g',
      THREADS,
      'Launcher',
      `${port}`,
      join(folder, 'data'),
    ],
    logFile: join(folder, 'server.log'),
    ready: /^ready$/m,
    readyWithinMs: 120_000,
  })
  return {
    url: `mongodb://127.0.0.1:${port}`,
    async stop() {
      await server.kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
