/**
 * A peer that computes wrongly, as one with bad memory would: its replica threads change a digit in the third cut of each
 * unit, once. Nothing of this can be reached from the real program.
 */

import { parseArgs } from 'node:util'
import { COMMON_OPTIONS } from '../../src/cli/common-options.ts'
import { PEER_OPTIONS } from '../../src/cli/peer-definitions.ts'
import { peerSettings } from '../../src/cli/peer-settings.ts'
import { configFile } from '../../src/cli/settings.ts'
import { startPeer } from '../../src/peer/start.ts'

const options = Object.fromEntries(
  Object.entries({ ...COMMON_OPTIONS, ...PEER_OPTIONS }).map(([name, { type, short, multiple = false }]) => [
    name,
    { type, multiple, ...(short === undefined ? {} : { short }) },
  ]),
)
const { values } = parseArgs({ args: process.argv.slice(3), options })
const flags = values as Record<string, string | string[] | undefined>
const inputs = { flags, environment: process.env, terminal: false }
const running = await startPeer(peerSettings(inputs, configFile(inputs)), {
  replicaThread: new URL('./wrong-thread.ts', import.meta.url),
})
const { id, name, address, httpAddress } = running
console.log(JSON.stringify({ id, name, address, httpAddress }))
const stop = () => {
  running.close().then(
    () => process.exit(0),
    () => process.exit(1),
  )
}
process.once('SIGTERM', stop)
process.once('disconnect', stop)
