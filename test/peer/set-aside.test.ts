/** What a retired identity leaves: all of it in a folder of its own, nothing overwritten, nothing deleted. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { setAside } from '../../src/peer/set-aside.ts'

const folder = mkdtempSync(join(tmpdir(), 'quorate-aside-'))
after(() => rmSync(folder, { recursive: true }))

const FILES = ['identity.json', 'store.sqlite', 'store.sqlite-shm', 'store.sqlite-wal']

function write(text: string): void {
  for (const name of FILES) writeFileSync(join(folder, name), text)
}

it('identity and store go together, and what is not theirs stays', () => {
  mkdirSync(join(folder, 'log'))
  writeFileSync(join(folder, 'notes.txt'), 'mine')
  write('first')
  assert.equal(setAside(folder, 'abc'), join(folder, 'abc'))
  assert.deepEqual(readdirSync(join(folder, 'abc')).sort(), FILES)
  assert.deepEqual(readdirSync(folder).sort(), ['abc', 'log', 'notes.txt'])
})

it('an attempt that was interrupted keeps what it had set aside', () => {
  // The store of an identity that stayed: it made an empty one, and was retired again.
  write('second')
  assert.equal(setAside(folder, 'abc'), join(folder, 'abc-2'))
  assert.equal(readFileSync(join(folder, 'abc', 'store.sqlite'), 'utf8'), 'first')
  assert.equal(readFileSync(join(folder, 'abc-2', 'store.sqlite'), 'utf8'), 'second')
})
