/**
 * The services of one test run: started once, handed to every test file through the environment, stopped at the end.
 * One that cannot run is left out, and the tests that ask for it say why.
 */
import type { Unavailable } from './availability.ts'
import { kafka } from './kafka.ts'
import { mongodb } from './mongodb.ts'
import { s3, s3Address } from './s3.ts'

export interface SharedServices {
  /** QUORATE_TEST_… for the services that run. */
  readonly environment: Readonly<Record<string, string>>
  stop(): Promise<void>
}

/** @throws Error when a service cannot run and CI=true; those that were started are stopped then. */
export async function startShared(): Promise<SharedServices> {
  const environment: Record<string, string> = {}
  const stops: (() => Promise<void>)[] = []
  const add = async <Service extends { stop(): Promise<void> }>(
    variable: string,
    start: () => Promise<Service | Unavailable>,
    address: (service: Service) => string,
  ) => {
    const service = await start()
    if (!('stop' in service)) return
    stops.push(() => service.stop())
    environment[variable] = address(service)
  }
  const stop = async () => {
    await Promise.all(stops.map((each) => each()))
  }
  const started = await Promise.allSettled([
    add('QUORATE_TEST_KAFKA', kafka, ({ brokers }) => brokers.join(',')),
    add('QUORATE_TEST_S3', s3, s3Address),
    add('QUORATE_TEST_MONGODB', mongodb, ({ url }) => url),
  ])
  const failed = started.find((each) => each.status === 'rejected')
  if (failed === undefined) return { environment, stop }
  await stop()
  throw failed.reason
}
