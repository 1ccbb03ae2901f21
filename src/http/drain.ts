/** Closes an HTTP server soon and gently: Node alone waits for connections that nobody uses. */
import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'

/** How long running requests may take to end. */
const GRACE_MS = 1_000
const POLL_MS = 20

/** To be called before the server listens; the returned function closes it. */
export function drainable(server: Server, graceMs = GRACE_MS): () => Promise<void> {
  // Clients open connections ahead of need. Node does not count one without a request as idle, so they are known here.
  const unused = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  server.on('request', (request: IncomingMessage) => unused.delete(request.socket))
  return async () => {
    const closeUnused = (): void => {
      // Connections become idle as their last request ends: Node closes only those that are so when it is asked.
      server.closeIdleConnections()
      for (const socket of unused) socket.destroy()
    }
    const idle = setInterval(closeUnused, POLL_MS)
    const force = setTimeout(() => server.closeAllConnections(), graceMs)
    await new Promise<void>((resolve) => {
      server.close(() => resolve())
      closeUnused()
    })
    clearInterval(idle)
    clearTimeout(force)
  }
}
