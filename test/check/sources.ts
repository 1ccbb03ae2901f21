/** The files of the repository that rules look at: text, not generated, not installed. */
import { readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { SourceFile } from './rule.ts'

const SKIPPED_FOLDERS = new Set(['node_modules', '.git', '.cache', '.quorate', 'coverage', 'dist'])
const TEXT = new Set([
  '.ts',
  '.js',
  '.json',
  '.md',
  '.yaml',
  '.yml',
  '.toml',
  '.html',
  '.css',
  '.java',
  '.sh',
  '.sql',
  '',
])

export function readSources(root: string, folder = ''): SourceFile[] {
  return readdirSync(join(root, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) return SKIPPED_FOLDERS.has(entry.name) ? [] : readSources(root, path)
    if (!entry.isFile() || !TEXT.has(extname(entry.name))) return []
    return [{ path, text: readFileSync(join(root, path), 'utf8') }]
  })
}
