/**
 * Makes the secrets of a cluster in a volume, once: the secret that peers share, tokens of the API, and the token that
 * Prometheus reads. A container makes them, because Compose mounts files with the owner they have on the host, and a peer
 * refuses a secret that others may read.
 *
 *   node secrets.ts FOLDER FOLDER-FOR-PROMETHEUS
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { argv, exit } from 'node:process'

const [folder, metricsFolder] = argv.slice(2)
if (folder === undefined || metricsFolder === undefined) {
  console.error('usage: secrets.ts FOLDER FOLDER-FOR-PROMETHEUS')
  exit(2)
}

const random = (): string => randomBytes(32).toString('hex')

/** Whole or not at all: a container that was killed in between starts again. */
function write(file: string, text: string, mode: number): void {
  writeFileSync(`${file}.new`, text, { mode })
  renameSync(`${file}.new`, file)
}

const secret = join(folder, 'secret')
if (!existsSync(secret)) write(secret, random(), 0o600)
const tokens = join(folder, 'tokens')
if (!existsSync(tokens)) {
  write(tokens, `read ${random()}\nsubmit ${random()}\nadmin ${random()}\n`, 0o600)
}
const [, readToken] = /^read (\S+)$/m.exec(readFileSync(tokens, 'utf8')) ?? []
if (readToken === undefined) {
  console.error(`${tokens} has no line "read <token>"`)
  exit(1)
}
// Prometheus runs as another user. What the token allows is to read.
write(join(metricsFolder, 'token'), readToken, 0o644)
const [, adminToken] = /^admin (\S+)$/m.exec(readFileSync(tokens, 'utf8')) ?? []
if (adminToken !== undefined) write(join(folder, 'admin-token'), adminToken, 0o600)
