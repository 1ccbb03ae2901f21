/**
 * The dashboard as every peer serves it: static files that need no build and no other host. The content security
 * policy holds them to that: nothing but this origin's files runs or is asked.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'

export interface DashboardFile {
  readonly path: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
}

/** Pages by their own name; what they load by its file name. */
const PAGES: Readonly<Record<string, string>> = { 'index.html': '/', 'reference.html': '/reference' }

export function dashboardFiles(): DashboardFile[] {
  return readdirSync(import.meta.dirname)
    .sort()
    .flatMap((name) => {
      const type = TYPES[extname(name)]
      if (type === undefined) return []
      const body = readFileSync(join(import.meta.dirname, name), 'utf8')
      return [{ path: PAGES[name] ?? `/${name}`, body, headers: headersOf(type) }]
    })
}

const headersOf = (type: string) => ({
  'content-type': type,
  'content-security-policy': POLICY,
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
})
