/** The machine that a peer would run on: its Node, and the disk that every vote waits for. */
import { closeSync, fsyncSync, mkdtempSync, openSync, rmSync, statfsSync, statSync, writeSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import process from 'node:process'
import { PEER_NODE, runsPeers } from '../node-version.ts'
import { type Check, failed, milliseconds, ok, type Said, warning } from './check.ts'

const SYNCS = 11
/** As much as a flush of votes has. */
const SYNC_BYTES = 4_096
/** A flush waits for one sync: beyond this, results wait visibly. */
const SLOW_SYNC_MS = 20
const LITTLE_SPACE_BYTES = 1_073_741_824

export function machineChecks(dataDirectory: string): readonly Check[] {
  return [
    { name: 'node', look: async () => nodeVersion(process.versions.node) },
    { name: `data ${dataDirectory}`, look: async () => disk(dataDirectory) },
  ]
}

function nodeVersion(version: string): Said {
  if (runsPeers(version)) return ok(`version ${version}`)
  return failed(`version ${version}; a peer needs ${PEER_NODE} or later`)
}

/** Written and synced where the data is, or where its folder would be made. */
function disk(directory: string): Said {
  const there = existing(directory)
  const probe = mkdtempSync(join(there, '.quorate-doctor-'))
  let syncMs: number
  try {
    syncMs = medianSync(join(probe, 'sync'))
  } finally {
    rmSync(probe, { recursive: true })
  }
  const { bavail, bsize } = statfsSync(there)
  const free = bavail * bsize
  const detail = `a sync takes ${milliseconds(syncMs)}, ${(free / 2 ** 30).toFixed(1)} GiB are free`
  if (free < LITTLE_SPACE_BYTES) return warning(`${detail}: votes, snapshots and results need room`)
  if (syncMs > SLOW_SYNC_MS) return warning(`${detail}: every vote waits for a sync; use a faster disk for --data`)
  return ok(detail)
}

/** The folder, or the nearest one above it that there is. */
export function existing(directory: string): string {
  const path = resolve(directory)
  const there = statSync(path, { throwIfNoEntry: false })
  if (there === undefined) return existing(dirname(path))
  if (there.isDirectory()) return path
  throw new Error(`${path} is a file, and a folder is expected`)
}

function medianSync(path: string): number {
  const file = openSync(path, 'wx', 0o600)
  try {
    const bytes = Buffer.alloc(SYNC_BYTES)
    const times = Array.from({ length: SYNCS }, () => {
      const from = performance.now()
      writeSync(file, bytes)
      fsyncSync(file)
      return performance.now() - from
    })
    return times.sort((a, b) => a - b)[(SYNCS - 1) / 2] ?? 0
  } finally {
    closeSync(file)
  }
}
