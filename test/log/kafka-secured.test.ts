import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import type { LogSettings } from '../../src/log/log.ts'
import { openLog } from '../../src/log/open.ts'
import { records, valuesOf } from '../contract/log.contract.ts'
import { readAll } from '../contract/log-recorder.ts'
import { obtain, skipReason } from '../services/availability.ts'
import { tool } from '../services/build.ts'
import { kafka } from '../services/kafka.ts'

const USER = { mechanism: 'plain', username: 'quorate', password: 'long-and-secret' } as const
const STORE_PASSWORD = 'keystore'
const folder = await mkdtemp(join(tmpdir(), 'quorate-tls-'))
const store = join(folder, 'broker.p12')
const certificate = join(folder, 'broker.pem')

/** A certificate for 127.0.0.1 that nobody has signed but itself. */
async function makeCertificate(): Promise<{ readonly ca: string }> {
  const access = ['-keystore', store, '-storepass', STORE_PASSWORD, '-alias', 'broker']
  const name = ['-dname', 'CN=127.0.0.1', '-ext', 'SAN=IP:127.0.0.1', '-keyalg', 'EC', '-validity', '2']
  await tool('keytool', ['-genkeypair', '-storetype', 'PKCS12', ...access, ...name])
  await tool('keytool', ['-exportcert', '-rfc', '-file', certificate, ...access])
  return { ca: await readFile(certificate, 'utf8') }
}

const made = await obtain('certificate', 'Java 17 or newer', makeCertificate)
const ca = 'ca' in made ? made.ca : ''
const broker = await kafka({
  private: true,
  secured: [
    `ssl.keystore.location=${store}`,
    `ssl.keystore.password=${STORE_PASSWORD}`,
    'ssl.keystore.type=PKCS12',
    'sasl.enabled.mechanisms=PLAIN',
    `listener.name.secured.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required user_${USER.username}="${USER.password}";`,
  ],
})

describe('Kafka over TLS, for those who know the password', { skip: skipReason(made) || skipReason(broker) }, () => {
  if ('unavailable' in broker) return
  after(async () => {
    await broker.stop()
    await rm(folder, { recursive: true, force: true })
  })
  const settings = { kind: 'kafka', brokers: broker.secured, clientId: 'secured', ssl: { ca }, sasl: USER } as const
  const refuses = async (other: LogSettings, code: string) => {
    const log = await openLog(other)
    for (const call of [() => log.id(), () => log.createTopic('refused', { partitions: 1 })]) {
      await assert.rejects(call, (error: Error & { code: string }) => {
        assert.equal(error.code, code, error.message)
        assert.ok(!JSON.stringify(error, Object.getOwnPropertyNames(error)).includes('secret'), error.message)
        return true
      })
    }
    await log.close()
  }

  it('creates, appends, commits and reads', async () => {
    const log = await openLog(settings)
    const partition = { topic: 'secured', partition: 0 }
    await log.createTopic(partition.topic, { partitions: 1 })
    await log.append(partition, records(0, 10))
    const writer = await log.openWriter('writer', 'progress')
    await writer.commit(new Map([[partition, records(10, 20)]]), Buffer.from('20'))
    await writer.close()
    const seen = await readAll(log, partition, 0)
    assert.deepEqual(
      seen.map(({ value }) => value),
      valuesOf(records(0, 20)),
    )
    assert.equal((await log.describeTopic(partition.topic))?.partitions, 1)
    await log.close()
  })

  it('is refused with another password, which is not repeated', () =>
    refuses({ ...settings, sasl: { ...USER, password: 'another-secret' } }, 'QRT_LOG_REFUSED'))

  it('is not spoken to when its certificate is nobody’s that is trusted', () =>
    refuses({ ...settings, ssl: true }, 'QRT_LOG_UNREACHABLE'))
})
