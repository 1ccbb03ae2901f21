/** What a script and the host processes of its network say to each other. */

/** How packets go from one host to another; the way back is another link. */
export interface Link {
  /** Of all packets, from 0 to 1; 1 is a cut. */
  readonly loss: number
  readonly delayMs: number
}

export const WHOLE: Link = { loss: 0, delayMs: 0 }
export const CUT: Link = { loss: 1, delayMs: 0 }

export interface HostPlan {
  readonly address: string
  /** Where it takes packets from others: a Unix socket. */
  readonly socket: string
  /** The other hosts, by address. */
  readonly others: Readonly<Record<string, string>>
  /** Connections to a loopback port of the host that go out to a Unix socket. */
  readonly services: readonly { readonly port: number; readonly socket: string }[]
}

export type HostRequest =
  /** By address; those that are not named stay as they are. */
  | { readonly id: number; readonly kind: 'links'; readonly links: Readonly<Record<string, Link>> }
  /** Connections to a Unix socket that go to a loopback port of the host. */
  | { readonly id: number; readonly kind: 'open'; readonly socket: string; readonly port: number }

/** Its first answer, with id 0, says that the host is up. */
export interface HostAnswer {
  readonly id: number
}
