/** The stores that a run's sinks may write to besides the log, and the ways there. The sinks are the production ones. */
import type { Random } from '../../mesh/random.ts'
import type { Sink, SinkPlan } from '../../src/commit/sink.ts'
import { MongodbSink } from '../../src/commit/sinks/mongodb.ts'
import { S3Sink } from '../../src/commit/sinks/s3.ts'
import type { Branch } from './branches.ts'
import type { SimulatedClock } from './clock.ts'
import { mongodbClient, mongodbErrors, SimulatedMongodb } from './mongodb.ts'
import type { SimulatedProcess } from './process.ts'
import { SimulatedS3, s3Client, s3Errors } from './s3.ts'
import { type StoreFaults, StoreLink } from './store-link.ts'

export class SimulatedStores {
  readonly mongodb = new SimulatedMongodb()
  readonly s3 = new SimulatedS3()
  readonly #took: (branch: Branch) => void
  readonly #mongodbLink: StoreLink
  readonly #s3Link: StoreLink

  constructor(clock: SimulatedClock, random: Random, took: (branch: Branch) => void) {
    this.#took = took
    this.#mongodbLink = new StoreLink(clock, random)
    this.#s3Link = new StoreLink(clock, random)
    this.mongodb.onDuplicate = () => took('mongodbDuplicate')
    this.s3.onExists = () => took('s3Exists')
  }

  /** Undefined: another kind of sink. */
  sink(plan: SinkPlan, process: SimulatedProcess): Sink | undefined {
    if (plan.kind === 'mongodb') {
      const client = mongodbClient(this.mongodb, this.#mongodbLink.of(process, mongodbErrors))
      return new MongodbSink(plan.database, plan.collection, client, [])
    }
    if (plan.kind !== 's3') return undefined
    const errors = s3Errors(() => this.#took('s3Conflict'))
    return new S3Sink(plan.bucket, plan.prefix, s3Client(this.s3, this.#s3Link.of(process, errors)), [], plan.format)
  }

  set faults(faults: StoreFaults) {
    this.#mongodbLink.faults = faults
    this.#s3Link.faults = faults
  }

  outage(of: 'mongodb' | 's3', down: boolean): void {
    if (of === 's3') this.#s3Link.outage(down)
    else this.#mongodbLink.outage(down)
  }

  calm(): void {
    this.#mongodbLink.calm()
    this.#s3Link.calm()
  }
}
