/**
 * The dashboard as every peer serves it: static files that need no build and no other host. The content security
 * policy holds them to that: nothing but this origin's files runs or is asked.
 */
import { readFileSync } from 'node:fs'

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

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
} as const

const FILES = [
  { path: '/', name: 'index.html', type: TYPES.html },
  { path: '/reference', name: 'reference.html', type: TYPES.html },
  { path: '/dashboard.css', name: 'dashboard.css', type: TYPES.css },
  ...['dashboard.js', 'dom.js', 'events.js', 'peer.js', 'reference.js', 'sections.js', 'windows.js'].map((name) => ({
    path: `/${name}`,
    name,
    type: TYPES.js,
  })),
]

export function dashboardFiles(): DashboardFile[] {
  return FILES.map(({ path, name, type }) => ({
    path,
    body: readFileSync(new URL(name, import.meta.url), 'utf8'),
    headers: {
      'content-type': type,
      'content-security-policy': POLICY,
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-cache',
    },
  }))
}
