import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { PeerId, Term } from '../../mesh/index.ts'
import { decodeRecord, encodeRecord, openUntaken } from '../../src/commit/record.ts'
import { FileSink } from '../../src/commit/sinks/file.ts'
import { certificateOf, contentOf, termOf } from '../checkpoint/kept.ts'
import { batch, identity, oneBody, row } from '../contract/sink-batches.ts'

const folder = await mkdtemp(join(tmpdir(), 'quorate-record-'))
after(() => rm(folder, { recursive: true, force: true }))
const unit = identity()
const certificate = certificateOf(contentOf(unit.unit, 3), 2)
const terms = [termOf(unit.unit, 1), termOf(unit.unit, 2, { kind: 'cut', offset: 12 })]

describe('the record of a result at its sink', () => {
  it('holds the certificate, and the terms where there are checkpoints', () => {
    assert.deepEqual(decodeRecord(encodeRecord(certificate, terms)), { certificate, terms })
    assert.deepEqual(decodeRecord(encodeRecord(certificate, undefined)), { certificate, terms: [] })
  })

  it('is read without terms where they are none', () => {
    const bytes = Buffer.from(JSON.stringify({ ...certificate, terms: [{ number: 'one' }] }))
    assert.deepEqual(decodeRecord(bytes), { certificate, terms: [] })
  })

  it('is not made of anything else', () => {
    for (const text of ['', '{}', 'null', 'no JSON']) assert.equal(decodeRecord(Buffer.from(text)), undefined)
  })
})

describe('a sink that a restored cluster writes to', () => {
  const sink = new FileSink(folder, 'rows', 'a'.repeat(32) as PeerId)
  const write = async (seq: number, last: Partial<Term>) => {
    const session = await sink.open(unit)
    const each = batch(unit, { seq, part: 0 }, undefined, [row(seq, '"a"', '1')], oneBody)
    const record = encodeRecord(
      certificateOf(contentOf(unit.unit, seq, { outDigest: each.outDigest }), 2),
      terms.map((term) => ({ ...term, ...last })),
    )
    await session.write([{ ...each, record }])
  }

  it('stops whoever is still of the cluster before, and nobody else', async () => {
    assert.equal((await openUntaken(sink, unit, 0)).progress, undefined)
    await write(1, {})
    assert.equal((await openUntaken(sink, unit, 0)).progress?.position.seq, 1)
    await write(2, { restored: 1 })
    await assert.rejects(openUntaken(sink, unit, 0), { code: 'QRT_SINK_TAKEN', message: /stop this one/ })
    assert.equal((await openUntaken(sink, unit, 1)).progress?.position.seq, 2)
    assert.equal((await openUntaken(sink, unit, 2)).progress?.position.seq, 2)
  })
})
