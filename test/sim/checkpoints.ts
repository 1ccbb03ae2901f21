/** Where a run's peers keep their checkpoints: the production keeper, on a simulated S3 store of its own. */
import { type ControlDocument, type CutPosition, decodeStored, type UnitId, unitId } from '../../mesh/index.ts'
import type { Random } from '../../mesh/random.ts'
import { Keeper } from '../../src/checkpoint/keeper.ts'
import { documentFolder } from '../../src/checkpoint/place.ts'
import { S3Place } from '../../src/checkpoint/s3.ts'
import type { SimulatedClock } from './clock.ts'
import type { SimulatedProcess } from './process.ts'
import { SimulatedS3, s3Client, s3Errors } from './s3.ts'
import { StoreLink } from './store-link.ts'

const BUCKET = 'kept'

export class SimulatedCheckpoints {
  readonly #store = new SimulatedS3()
  readonly #link: StoreLink

  constructor(clock: SimulatedClock, random: Random) {
    this.#link = new StoreLink(clock, random)
  }

  keeper(process: SimulatedProcess): Keeper {
    const client = s3Client(
      this.#store,
      this.#link.of(
        process,
        s3Errors(() => undefined),
      ),
    )
    return new Keeper(new S3Place(BUCKET, '', client, []))
  }

  outage(down: boolean): void {
    this.#link.outage(down)
  }

  calm(): void {
    this.#link.calm()
  }

  /** A document of the cluster that names a job is kept, with the job: what there is can be restored. */
  hasJobOf(cluster: string): boolean {
    const newest = this.#store.keysOf(`${documentFolder(cluster)}/`).at(-1)
    const body = this.#store.objects.get(newest ?? '')?.body
    return body !== undefined && (decodeStored(body) as ControlDocument).jobs.length > 0
  }

  /** The cuts whose states are kept, the newest of each unit: a sink lacks what has no rows, and so may be behind them. */
  places(cluster: string): ReadonlyMap<UnitId, CutPosition> {
    const places = new Map<UnitId, CutPosition>()
    for (const name of this.#store.keysOf(`${cluster}/units/`)) {
      const [, generation, stage, partition, seq] = /\/([^/]+)\/(\d+)-(\d+)\/(\d+)-\d+\.json$/.exec(name) ?? []
      if (generation === undefined) continue
      const unit = unitId(generation, Number(stage), Number(partition))
      places.set(unit, { seq: Number(seq), part: Number.MAX_SAFE_INTEGER })
    }
    return places
  }
}
