/**
 * The readers of a replica worker. A reader has one position a partition, and units of several jobs may read the same
 * partition, each from its own: so there are as many readers as the most read partition has units, and one otherwise.
 */
import type { LogPartition, LogReader } from '../log/log.ts'

interface Lane<Unit> {
  readonly reader: LogReader
  /** By partition. */
  readonly units: Map<string, Unit>
}

export class Readers<Unit> {
  readonly #open: (unitAt: (source: LogPartition) => Unit | undefined) => LogReader
  readonly #lanes: Lane<Unit>[] = []

  /** @param open makes a reader; what it reads is for the unit that `unitAt` names then, or for nobody any more */
  constructor(open: (unitAt: (source: LogPartition) => Unit | undefined) => LogReader) {
    this.#open = open
  }

  /** A reader in which the partition is this unit's until it is released. */
  claim(source: LogPartition, unit: Unit): LogReader {
    const name = nameOf(source)
    const lane = this.#lanes.find(({ units }) => !units.has(name)) ?? this.#add()
    lane.units.set(name, unit)
    return lane.reader
  }

  release(source: LogPartition, reader: LogReader): void {
    reader.remove(source)
    this.#lanes.find((lane) => lane.reader === reader)?.units.delete(nameOf(source))
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map(({ reader }) => reader.close()))
  }

  #add(): Lane<Unit> {
    const units = new Map<string, Unit>()
    const lane = { units, reader: this.#open((source) => units.get(nameOf(source))) }
    this.#lanes.push(lane)
    return lane
  }
}

const nameOf = ({ topic, partition }: LogPartition): string => `${partition}/${topic}`
