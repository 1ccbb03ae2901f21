/** Offline verification: real signatures, and every way in which a file can be wrong. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import { contentDigest, type Digest, GENESIS } from '../../mesh/index.ts'
import { checkCertificates, readCertificates, readMembers } from '../../src/cli/verification.ts'
import { QuorateError } from '../../src/errors.ts'
import type { CertificateView } from '../../src/http/api.ts'
import { contentAt, FakePeer } from '../http/fake-peer.ts'

const peer = new FakePeer()
const members = () => readMembers(JSON.stringify({ members: peer.members() }), 'members.json')
const check = (certificates: readonly CertificateView[], least = 1, keys = members()) =>
  checkCertificates(certificates, keys, least)
const reasons = (findings: ReturnType<typeof check>) => findings.map((finding) => finding.reason)

describe('certificates', () => {
  it('of W members that form one chain are valid, in any order of the file', () => {
    assert.deepEqual(reasons(check(peer.certified)), [undefined, undefined])
    assert.deepEqual(reasons(check([...peer.certified].reverse())), [undefined, undefined])
  })

  it('with any field of their content changed are not', () => {
    const [view] = peer.certified
    for (const change of [{ offset: 101 }, { outDigest: 'c'.repeat(64) as Digest }, { cluster: 'other' }, { seq: 2 }]) {
      const content = { ...view!.certificate.content, ...change }
      const forged = { ...view!, certificate: { ...view!.certificate, content } }
      assert.match(reasons(check([forged]))[0]!, /does not match the content/)
    }
  })

  it('with fewer signatures than they need, or than the reader accepts, are not', () => {
    const [view] = peer.certified
    const alone = { ...view!, certificate: { ...view!.certificate, signers: view!.certificate.signers.slice(0, 1) } }
    assert.match(reasons(check([alone]))[0]!, /1 of 2/)
    assert.match(reasons(check([{ ...alone, write: 1 }], 2))[0]!, /1 of 2/, 'a file cannot lower what the reader asks')
    assert.match(reasons(check([view!], 3))[0]!, /2 of 3/)
  })

  it('with one signer twice are not', () => {
    const [view] = peer.certified
    const [signer] = view!.certificate.signers
    const twice = { ...view!, certificate: { ...view!.certificate, signers: [signer!, signer!] } }
    assert.match(reasons(check([twice]))[0]!, /twice/)
  })

  it('signed by somebody who is not in the members file are not', () => {
    const others = readMembers(JSON.stringify({ members: new FakePeer().members() }), 'members.json')
    assert.match(reasons(check(peer.certified, 1, others))[0]!, /is not in the members file/)
  })

  it('that are valid alone but differ at one position are a fork', () => {
    const other = peer.viewOf(peer.certificateOf({ ...contentAt(1, GENESIS), outDigest: 'c'.repeat(64) as Digest }))
    assert.deepEqual(reasons(check([peer.certified[0]!, other])).filter((reason) => reason !== undefined).length, 1)
    assert.match(reasons(check([peer.certified[0]!, other])).join(), /a fork/)
  })

  it('that do not follow the one before are named', () => {
    const stray = peer.viewOf(peer.certificateOf(contentAt(2, 'd'.repeat(64) as Digest)))
    assert.match(reasons(check([peer.certified[0]!, stray]))[1]!, /does not follow/)
    const [first] = peer.certified
    const third = peer.viewOf(peer.certificateOf(contentAt(3, contentDigest(first!.certificate.content))))
    assert.deepEqual(reasons(check([first!, third])), [undefined, undefined], 'a missing one is no contradiction')
  })
})

describe('files', () => {
  it('may be a page, a list, one certificate, or JSON lines', () => {
    const [first] = peer.certified
    const page = JSON.stringify({ rows: [], certificates: peer.certified, mayBeStale: false }, null, 2)
    const lines = peer.certified.map((view) => JSON.stringify(view)).join('\n')
    for (const [text, count] of [
      [page, 2],
      [JSON.stringify(peer.certified), 2],
      [JSON.stringify(first), 1],
      [`${lines}\n`, 2],
    ] as const) {
      assert.equal(readCertificates(text, 'file').length, count)
    }
  })

  it('that hold something else are refused, by name', () => {
    for (const text of [
      '',
      'x',
      '{}',
      '[]',
      'null',
      '{"certificates":[]}',
      '[1]',
      '[{"certificate":{},"write":1,"members":[]}]',
    ]) {
      assert.throws(
        () => readCertificates(text, 'rows.json'),
        (error: unknown) => {
          assert.ok(error instanceof QuorateError, String(error))
          assert.equal(error.code, 'QRT_CONFIG_INVALID')
          assert.match(error.message, /^rows\.json: /)
          return true
        },
      )
    }
  })

  it('of members whose key is not theirs are refused', () => {
    const [one, two] = peer.members()
    const swapped = JSON.stringify([{ ...one, publicKey: two!.publicKey }])
    assert.throws(() => readMembers(swapped, 'members.json'), /belongs to/)
  })
})

describe('quorate verify', () => {
  let directory: string
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'quorate-verify-'))
    writeFileSync(join(directory, 'members.json'), JSON.stringify({ members: peer.members() }))
  })
  after(() => rmSync(directory, { recursive: true }))

  const verify = (certificates: readonly CertificateView[]) => {
    const file = join(directory, 'rows.json')
    writeFileSync(file, JSON.stringify({ certificates }))
    const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
    const args = [main, 'verify', file, '--members', join(directory, 'members.json')]
    return spawnSync(process.execPath, args, { encoding: 'utf8' })
  }

  it('exits with 0 when all are valid and with 1 when one is not', () => {
    const good = verify(peer.certified)
    assert.equal(good.stdout, '2 of 2 certificates are valid\n')
    assert.equal(good.status, 0)
    const [view] = peer.certified
    const content = { ...view!.certificate.content, offset: 7 }
    const bad = verify([{ ...view!, certificate: { ...view!.certificate, content } }])
    assert.match(bad.stdout, /^bad {2}flight-delays.* 1\.0: .*\n0 of 1 certificates are valid\n$/)
    assert.equal(bad.status, 1)
  })
})
