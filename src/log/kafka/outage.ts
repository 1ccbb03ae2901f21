/** Whether anything can be fetched at all: told once when it cannot, and once when it can again. */
import type { LogReaderHandler } from '../log.ts'
import type { KafkaSettings } from './client-options.ts'
import { kafkaFailure } from './failure.ts'

/** A connection that is replaced, or a leader that moves, is no outage. */
const OUTAGE_AFTER_MS = 1_000

export class Outage {
  readonly #handler: LogReaderHandler
  readonly #settings: KafkaSettings
  #worksSince = performance.now()
  #told = false

  constructor(handler: LogReaderHandler, settings: KafkaSettings) {
    this.#handler = handler
    this.#settings = settings
  }

  /** There is something to fetch again, after a time in which there was nothing. */
  began(): void {
    this.#worksSince = performance.now()
  }

  succeeded(): void {
    this.#worksSince = performance.now()
    if (!this.#told) return
    this.#told = false
    this.#handler.onOutage(undefined)
  }

  failed(error: unknown): void {
    if (this.#told || performance.now() - this.#worksSince < OUTAGE_AFTER_MS) return
    this.#told = true
    this.#handler.onOutage(kafkaFailure(error, { settings: this.#settings, doing: 'reading from Kafka' }))
  }
}
