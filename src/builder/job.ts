/**
 * A finished job: the document that a YAML file could have had as well. Each part of it remembers where it was written, so a
 * fault can name a line of the module.
 */
import { stringify } from 'yaml'
import type { Place } from './place.ts'

/** Another copy of this package may have made the job, so it is known by this and not by its class. */
export const MARK = Symbol.for('quorate.job')

declare const recordType: unique symbol
declare const rowType: unique symbol

/** A document as data; every part is JSON. */
export interface DocumentValue {
  readonly name: string
  readonly [part: string]: unknown
}

/** Where each part was written, by the pointer of the part. */
export type Places = ReadonlyMap<string, Place>

/** A job of records of type `Input`, whose rows have the type `Row`. */
export class Job<Input = unknown, Row = unknown> {
  readonly #document: DocumentValue
  readonly #places: Places
  declare readonly [recordType]?: Input
  declare readonly [rowType]?: Row

  constructor(document: DocumentValue, places: Places) {
    this.#document = document
    this.#places = places
  }

  get [MARK](): true {
    return true
  }

  get name(): string {
    return this.#document.name
  }

  /** The file that the job was built in, where that is known. */
  get file(): string | undefined {
    return this.#places.get('')?.file
  }

  /** The document, as data. */
  toDocument(): DocumentValue {
    return structuredClone(this.#document)
  }

  /** The document, to keep or to submit. */
  toYaml(): string {
    return stringify(this.#document, { lineWidth: 0, aliasDuplicateObjects: false })
  }

  /** The place of the closest part around a pointer that remembers one. */
  placeOf(pointer: string): Place | undefined {
    for (let at = pointer; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/')))) {
      const place = this.#places.get(at)
      if (place !== undefined || at === '') return place
    }
  }
}
