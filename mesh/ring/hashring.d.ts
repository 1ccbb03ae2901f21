/** The part of hashring 3.2 that the ring uses; the package ships no types. */
declare module 'hashring' {
  export default class HashRing {
    constructor(
      servers: Readonly<Record<string, { readonly vnodes: number; readonly weight: number }>>,
      /** A digest name of node:crypto with at least 16 bytes. */
      algorithm: string,
      options: { readonly replicas: number },
    )
    /** Distinct servers clockwise from the key; `size` 0 means all of them. */
    range(key: string, size: number, unique: boolean): string[]
  }
}
