/**
 * One host of a simulated network: the process that holds a network namespace, and the wire of its TUN device. A packet that
 * the kernel routes to another host is handed to that host's process over a Unix socket, or lost, or held for a while: as
 * the link says. Loopback ports of the host are led to services outside and back, past the network, so that faults of the
 * network are faults between peers only. It ends with the script that started it, and the namespace with it.
 */
import { execFileSync } from 'node:child_process'
import { read, writeSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { type HostAnswer, type HostPlan, type HostRequest, type Link, WHOLE } from './protocol.ts'

const MTU = 1_400
const DESTINATION_AT = 16
/** What waits for a host that does not take it is lost from here on, as in a router's queue. */
const MAX_QUEUED_BYTES = 4 << 20

const plan = JSON.parse(process.argv[2] ?? '') as HostPlan
const tun = Number(process.env.QUORATE_TUN)
const links = new Map<string, Link>()
const wires = new Map<string, Socket>()

const ip = (...args: string[]) => execFileSync('ip', args)
ip('link', 'set', 'lo', 'up')
ip('address', 'add', `${plan.address}/24`, 'dev', 'tun0')
ip('link', 'set', 'tun0', 'mtu', String(MTU), 'up')

createServer((from) => {
  let bytes: Buffer = Buffer.alloc(0)
  from.on('error', () => undefined)
  from.on('data', (chunk: Buffer) => {
    bytes = bytes.length === 0 ? chunk : Buffer.concat([bytes, chunk])
    while (bytes.length >= 2 && bytes.length >= 2 + bytes.readUInt16BE(0)) {
      const size = bytes.readUInt16BE(0)
      writeSync(tun, bytes.subarray(2, 2 + size))
      bytes = bytes.subarray(2 + size)
    }
  })
}).listen(plan.socket)

for (const { port, socket } of plan.services) {
  createServer((inside) => join(inside, connect(socket))).listen(port, '127.0.0.1')
}

process.on('message', (request: HostRequest) => {
  if (request.kind === 'links') {
    for (const [address, link] of Object.entries(request.links)) links.set(address, link)
    answer({ id: request.id })
    return
  }
  const { id, socket, port } = request
  const server = createServer((outside) => join(outside, connect(port, '127.0.0.1')))
  server.listen(socket, () => answer({ id }))
})
// A thread may wait for the next packet for ever: an orderly exit would wait for it.
process.once('disconnect', () => process.kill(process.pid, 'SIGKILL'))
listen()
answer({ id: 0 })

function answer(what: HostAnswer): void {
  process.send?.(what)
}

function join(one: Socket, other: Socket): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    from.pipe(to)
    from.on('error', () => to.destroy())
    from.on('close', () => to.destroy())
  }
}

function listen(): void {
  const packet = Buffer.allocUnsafe(2 + MTU)
  read(tun, packet, 2, MTU, null, (error, size) => {
    if (error !== null) throw error
    packet.writeUInt16BE(size)
    route(packet.subarray(0, 2 + size))
    listen()
  })
}

function route(frame: Buffer): void {
  const at = 2 + DESTINATION_AT
  const address = [...frame.subarray(at, at + 4)].join('.')
  // IPv6 and broadcasts have no link.
  if (frame.readUInt8(2) >> 4 !== 4 || plan.others[address] === undefined) return
  const { loss, delayMs } = links.get(address) ?? WHOLE
  if (loss > 0 && Math.random() < loss) return
  if (delayMs > 0) setTimeout(() => send(address, frame), delayMs)
  else send(address, frame)
}

function send(address: string, frame: Buffer): void {
  const wire = wires.get(address) ?? wireTo(address)
  if (wire.writableLength < MAX_QUEUED_BYTES) wire.write(frame)
}

function wireTo(address: string): Socket {
  const wire = connect(plan.others[address] ?? '')
  wires.set(address, wire)
  wire.on('error', () => undefined)
  wire.on('close', () => wires.delete(address))
  return wire
}
