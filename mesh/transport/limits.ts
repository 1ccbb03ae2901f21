/** Every bound of the transport, with what happens at it. */
export const TRANSPORT_LIMITS = {
  /** A larger frame is not sent; one that arrives ends its connection. */
  frameBytes: 4 * 1024 * 1024,
  /** Handshake frames: a name, an address, keys and proofs fit many times. */
  handshakeFrameBytes: 1_024,
  /**
   * Bytes taken from a socket before its peer is authenticated; beyond it the socket is destroyed. One whole chunk of a
   * socket (64 KiB) fits, since the first frames of a session can follow the last of the handshake in one chunk.
   */
  unauthenticatedBytes: 72 * 1024,
  /** Sockets that are not authenticated yet; more are refused with 503. */
  unauthenticatedConnections: 64,
  /** Sockets of any kind; more are closed on arrival. */
  connections: 1_024,
  /** Bytes that wait in a connection's send buffer; beyond it `send` drops and answers false. */
  sendBufferBytes: 16 * 1024 * 1024,
  /** Nesting of a decoded message; a deeper one ends its connection. */
  depth: 64,
  /** Values in a decoded message, keys included; more end its connection. */
  values: 1_000_000,
  nameBytes: 64,
  addressBytes: 255,
} as const

export const TRANSPORT_TIMING = {
  /** From the first byte to a proved identity. */
  handshakeMs: 5_000,
  /** How long the other end may take to answer a close. */
  closeMs: 1_000,
  /** A connection on which nothing has come for this long gives way to a new one: peers say something every second. */
  staleMs: 3_000,
} as const
