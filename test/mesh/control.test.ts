/** What a peer has of the control document when it starts again. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, it } from 'node:test'
import { controlScope } from '../../mesh/agreement/control.ts'
import { type ControlDocument, genesis } from '../../mesh/agreement/control-document.ts'
import { encodeStored } from '../../mesh/agreement/effects.ts'
import { sha256 } from '../../mesh/agreement/encoding.ts'
import { Control, type ControlOptions } from '../../mesh/control.ts'
import type { PeerId } from '../../mesh/ids.ts'
import { seededRandom } from '../../mesh/random.ts'
import { openSqliteStore } from '../../src/store/sqlite.ts'

const folder = await mkdtemp(join(tmpdir(), 'quorate-control-'))
const store = openSqliteStore(join(folder, 'store.db'))
after(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

const ADA = 'a'.repeat(32) as PeerId

it('holds the body of a job that it has accepted and that is not chosen yet: it may be the only one that does', async () => {
  const body = new TextEncoder().encode('a job')
  const document = genesis([{ id: ADA, name: 'ada' }])
  const entry = { name: 'delays', generation: 'delays-1', hash: sha256(body), earlier: [], view: document.view }
  const next: ControlDocument = { ...document, number: 2, jobs: [{ ...entry, state: 'running' }], submissions: 1 }
  const ballot = { round: 1, peer: ADA }
  const acceptor = encodeStored({ promised: ballot, accepted: { ballot, value: next } })
  await store.write([
    { kind: 'put', table: 'control', key: 'document', value: encodeStored(document) },
    { kind: 'put', table: 'acceptor', key: controlScope(document), value: acceptor },
    { kind: 'put', table: 'job', key: entry.hash, value: body },
  ])
  const parts = { self: ADA, name: 'ada', random: seededRandom(1), store } as unknown as ControlOptions
  const control = new Control(parts)
  await control.restore()
  assert.equal(control.document?.number, 1)
  assert.deepEqual(Buffer.from(control.body(entry.hash) ?? []), Buffer.from(body))
})
