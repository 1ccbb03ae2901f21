/** Where in a person's module a method was called: so that a fault of the job has a line of the file that they wrote. */
import { fileURLToPath } from 'node:url'

export interface Place {
  readonly file: string
  readonly line: number
  readonly column: number
}

const OWN = new URL('.', import.meta.url).href

/** Undefined where the call stack does not tell. */
export function calledFrom(): Place | undefined {
  for (const frame of (new Error().stack ?? '').split('\n').slice(1)) {
    const [, at = '', line, column] = /^\s*at (?:.*\()?(.+?):(\d+):(\d+)\)?$/.exec(frame) ?? []
    const url = at.replace(/\?.*$/, '')
    if (line === undefined || url.startsWith(OWN) || isOwnPath(url)) continue
    return { file: url.startsWith('file:') ? fileURLToPath(url) : url, line: Number(line), column: Number(column) }
  }
  return undefined
}

/** Frames name files by their path once source maps were applied. */
const isOwnPath = (path: string): boolean => !path.startsWith('file:') && path.startsWith(fileURLToPath(OWN))
