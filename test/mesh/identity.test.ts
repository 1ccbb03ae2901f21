import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { createVerifier, generateIdentity, loadOrCreateIdentity, peerIdOf } from '../../mesh/identity.ts'
import { isPeerId } from '../../mesh/ids.ts'

describe('identity', () => {
  let root: string
  let count = 0
  before(() => {
    root = mkdtempSync(join(tmpdir(), 'quorate-identity-'))
  })
  after(() => rmSync(root, { recursive: true, force: true }))
  const directory = () => join(root, String(count++))
  const refuses = (at: string, why: RegExp) =>
    assert.throws(
      () => loadOrCreateIdentity(at),
      (error: Error & { code?: string }) => error.code === 'QRT_MESH_IDENTITY' && why.test(error.message),
    )

  it('has an id that is the hash of its raw public key', () => {
    const identity = generateIdentity()
    assert.equal(identity.publicKey.length, 32)
    assert.ok(isPeerId(identity.id))
    assert.equal(peerIdOf(identity.publicKey), identity.id)
  })

  it('signs what a verifier accepts under its key and no other', () => {
    const identity = generateIdentity()
    const bytes = Buffer.from('a flush')
    const signature = identity.sign(bytes)
    const verifier = createVerifier()
    assert.equal(verifier.verify(identity.publicKey, bytes, signature), true)
    assert.equal(verifier.verify(generateIdentity().publicKey, bytes, signature), false)
    assert.equal(verifier.verify(identity.publicKey, Buffer.from('a flusH'), signature), false)
    assert.equal(verifier.verify(identity.publicKey, bytes, signature.subarray(1)), false)
    assert.equal(verifier.verify(new Uint8Array(31), bytes, signature), false)
    assert.equal(verifier.verify(new Uint8Array(32).fill(255), bytes, signature), false)
  })

  it('is created once, private to its owner, and is the same after a restart', () => {
    const at = directory()
    const first = loadOrCreateIdentity(at)
    assert.equal(statSync(join(at, 'identity.json')).mode & 0o777, 0o600)
    assert.deepEqual(readdirSync(at), ['identity.json'], 'no temporary file is left')
    const second = loadOrCreateIdentity(at)
    assert.equal(second.id, first.id)
    const bytes = Buffer.from('x')
    assert.ok(createVerifier().verify(first.publicKey, bytes, second.sign(bytes)))
  })

  it('is one identity when several processes start at once on one directory', async () => {
    const at = directory()
    const module = new URL('../../mesh/identity.ts', import.meta.url).href
    const program = `import { loadOrCreateIdentity } from ${JSON.stringify(module)}; console.log(loadOrCreateIdentity(${JSON.stringify(at)}).id)`
    const run = promisify(execFile)
    const started = [1, 2, 3].map(() => run(process.execPath, ['--input-type=module', '-e', program]))
    const ids = (await Promise.all(started)).map(({ stdout }) => stdout.trim())
    assert.equal(new Set(ids).size, 1)
    assert.equal(ids[0], loadOrCreateIdentity(at).id)
  })

  it('refuses a file with one flipped bit anywhere in its keys', () => {
    const at = directory()
    loadOrCreateIdentity(at)
    const file = join(at, 'identity.json')
    const text = readFileSync(file, 'utf8')
    for (const field of ['publicKey', 'privateKey']) {
      const place = text.indexOf(field) + field.length + 10
      const flipped = text[place] === '0' ? '1' : '0'
      writeFileSync(file, text.slice(0, place) + flipped + text.slice(place + 1))
      refuses(at, /does not belong/)
    }
  })

  it('refuses an empty, torn or foreign file instead of becoming somebody new, and does not quote it', () => {
    const at = directory()
    loadOrCreateIdentity(at)
    const file = join(at, 'identity.json')
    const whole = readFileSync(file, 'utf8')
    const secret = JSON.parse(whole).privateKey as string
    for (const text of ['', whole.slice(0, -20), '{}', 'null', '[]', whole.replace('identity-1', 'identity-9')]) {
      writeFileSync(file, text)
      refuses(at, /cannot be used/)
      assert.throws(
        () => loadOrCreateIdentity(at),
        (error: Error) => !String(error.stack).includes(secret.slice(0, 16)),
      )
    }
    assert.equal(readFileSync(file, 'utf8').includes('identity-9'), true, 'the file is left as it was found')
  })

  it('refuses a key that others can read', () => {
    const at = directory()
    loadOrCreateIdentity(at)
    chmodSync(join(at, 'identity.json'), 0o644)
    refuses(at, /0644.*expected 0600/)
  })
})
