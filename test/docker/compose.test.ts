/** docker/compose.yaml: read as Compose reads it, and held against the image, the peers' settings and the files it mounts. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { PEER_DEFINITIONS } from '../../src/cli/peer-definitions.ts'
import { skipReason } from '../services/availability.ts'
import { composeFile, type Service } from './compose.ts'
import { DOCKERFILE } from './image.ts'
import { ROOT } from './installed.ts'
import { dashboards } from './queries.ts'

const PEERS = ['ada', 'bo', 'cy']
const PROFILES: Readonly<Record<string, readonly string[]>> = {
  core: ['ada', 'bo', 'cy', 'secrets'],
  kafka: ['kafka'],
  storage: ['bucket', 'mongodb', 's3'],
  observability: ['grafana', 'prometheus', 'secrets'],
  chaos: ['chaos', 'secrets'],
}
/** Read by every command line, besides the settings of a peer. */
const COMMAND_LINE = ['QUORATE_CONFIG', 'QUORATE_TOKEN_FILE']

const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const loaded = await composeFile()

describe('the Compose file', { skip: skipReason(loaded) }, () => {
  if ('unavailable' in loaded) return
  const { services, volumes, name } = loaded.compose
  const serviceOf = (service: string): Service => {
    const found = services[service]
    assert.ok(found !== undefined, `there is a service ${service}`)
    return found
  }
  const mountsOf = (service: string) => serviceOf(service).volumes ?? []

  it('has its services in profiles', () => {
    const inProfile = (profile: string) =>
      Object.keys(services).filter((one) => services[one]?.profiles.includes(profile))
    for (const [profile, expected] of Object.entries(PROFILES)) assert.deepEqual(inProfile(profile).sort(), expected)
    assert.deepEqual([...new Set(Object.values(services).flatMap(({ profiles }) => profiles))].sort(), [
      ...Object.keys(PROFILES).toSorted(),
    ])
  })

  it('names images by version, and no registry', () => {
    for (const [service, { image = '', build }] of Object.entries(services)) {
      if (build !== undefined) {
        assert.equal(image, 'quorate')
        assert.ok(existsSync(join(build.context, build.dockerfile)), `${service}: ${build.dockerfile}`)
        continue
      }
      const [repository = '', tag] = image.split(':')
      assert.match(repository, /^[a-z]+(?:\/[a-z]+)?$/, service)
      assert.match(tag ?? '', /^v?\d+\.\d+/, service)
    }
  })

  it('publishes ports on loopback only', () => {
    for (const [service, { ports = [] }] of Object.entries(services)) {
      for (const { host_ip } of ports) assert.equal(host_ip, '127.0.0.1', service)
    }
  })

  it('starts what is of this repository without privileges, save what has to command the engine', () => {
    for (const [service, { build, read_only, cap_drop, user }] of Object.entries(services)) {
      if (build === undefined || service === 'chaos') continue
      assert.equal(read_only, true, service)
      assert.deepEqual(cap_drop, ['ALL'], service)
      assert.equal(user, undefined, service)
    }
  })

  it('gives peers settings that there are, with a name, an address and a volume of their own', () => {
    const known = new Set<string>([...Object.values(PEER_DEFINITIONS).map(({ variable }) => variable), ...COMMAND_LINE])
    const config = read('configs/peers/compose.yaml')
    const referred = new Set([...config.matchAll(/\$\{env:(\w+)\}/g)].map(([, variable]) => variable))
    for (const peer of PEERS) {
      const { environment = {} } = serviceOf(peer)
      for (const variable of Object.keys(environment)) {
        assert.ok(known.has(variable) || referred.has(variable), `${peer}: nothing reads ${variable}`)
      }
      for (const variable of referred) assert.ok(environment[variable!] !== undefined, `${peer} has no ${variable}`)
      assert.equal(environment.QUORATE_NAME, peer)
      assert.equal(environment.QUORATE_ADVERTISE, `ws://${peer}:7400`)
      assert.deepEqual(
        environment.QUORATE_SEED?.split(','),
        PEERS.map((one) => `ws://${one}:7400`),
      )
      assert.equal(environment.QUORATE_BOOTSTRAP_EXPECT, String(PEERS.length))
      assert.equal(environment.QUORATE_CONFIG, '/app/configs/peers/compose.yaml')
      const own = Object.fromEntries(mountsOf(peer).map(({ target, source }) => [target, source]))
      assert.deepEqual(own, { '/data': peer, '/log': 'log', '/secrets': 'secrets' })
    }
  })

  it('mounts volumes that it declares, where the image has made a folder with the right owner', () => {
    const used = Object.values(services).flatMap(({ volumes = [] }) => volumes.filter(({ type }) => type === 'volume'))
    assert.deepEqual([...new Set(used.map(({ source }) => source))].sort(), Object.keys(volumes).sort())
    for (const [service, { build }] of Object.entries(services)) {
      if (build === undefined) continue
      for (const { target, type } of mountsOf(service)) {
        if (type === 'volume') assert.match(DOCKERFILE, new RegExp(`install -d -o node [^\\n]*${target}\\b`), target)
      }
    }
  })

  it('mounts files and runs scripts that exist', () => {
    for (const [service, { volumes: mounts = [], entrypoint = [] }] of Object.entries(services)) {
      for (const { type, source } of mounts) {
        if (type === 'bind' && basename(source) !== 'docker.sock')
          assert.ok(existsSync(source), `${service}: ${source}`)
      }
      for (const path of entrypoint.filter((word) => word.startsWith('/app/'))) {
        assert.ok(existsSync(join(ROOT, path.slice('/app/'.length))), `${service}: ${path}`)
      }
    }
  })

  it('leads Prometheus to every peer, with the token that is made for it', () => {
    const scrape = (parse(read('docker/prometheus/prometheus.yaml')) as { scrape_configs: readonly [Scrape] })
      .scrape_configs[0]
    interface Scrape {
      readonly authorization: { readonly credentials_file: string }
      readonly static_configs: readonly [{ readonly targets: readonly string[] }]
    }
    assert.deepEqual(
      scrape.static_configs[0].targets,
      PEERS.map((peer) => `${peer}:7401`),
    )
    const [, made] = serviceOf('secrets').command ?? []
    const makes = mountsOf('secrets').find(({ target }) => target === made)
    const reads = mountsOf('prometheus').find(({ source }) => source === makes?.source)
    assert.equal(scrape.authorization.credentials_file, `${reads?.target}/token`)
    const configured = serviceOf('prometheus').command?.find((word) => word.startsWith('--config.file='))
    assert.equal(configured, `--config.file=${mountsOf('prometheus')[0]?.target}/prometheus.yaml`)
  })

  it('leads Grafana to Prometheus, and the dashboard to its data', () => {
    const { datasources } = parse(read('docker/grafana/provisioning/datasources/prometheus.yaml'))
    const [source] = datasources as readonly { readonly url: string; readonly uid: string }[]
    assert.equal(source?.url, 'http://prometheus:9090')
    for (const { panels } of dashboards) {
      const uids = new Set(panels.filter(({ type }) => type !== 'row').map(({ datasource }) => datasource?.uid))
      assert.deepEqual([...uids], [source?.uid])
    }
    const { providers } = parse(read('docker/grafana/provisioning/dashboards/quorate.yaml'))
    const { path } = (providers as readonly { readonly options: { readonly path: string } }[])[0]?.options ?? {
      path: '',
    }
    const mounted = mountsOf('grafana').find(({ target }) => target === path)
    assert.equal(mounted?.source, join(ROOT, 'docker/grafana/dashboards'))
    const home = serviceOf('grafana').environment?.GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH ?? ''
    assert.ok(home.startsWith(`${path}/`) && existsSync(join(mounted?.source ?? '', basename(home))))
  })

  it('turns the peers to Kafka with kafka.env, at the address that the broker tells its clients', () => {
    assert.equal(serviceOf('ada').environment?.QUORATE_LOG, 'embedded:/log')
    assert.match(read('docker/compose.yaml'), /^ {2}QUORATE_LOG: \$\{QUORATE_LOG:-embedded:\/log\}$/m)
    const [, log = ''] = /^QUORATE_LOG=(.*)$/m.exec(read('docker/kafka.env')) ?? []
    const advertised = serviceOf('kafka').environment?.KAFKA_ADVERTISED_LISTENERS ?? ''
    assert.ok(advertised.split(',').includes(log.replace('kafka://', 'PEERS://')), `${log} is not in ${advertised}`)
  })

  it('gives the store of the sinks the credentials that peers use', () => {
    const { environment: peer = {} } = serviceOf('ada')
    const { environment: store = {} } = serviceOf('s3')
    assert.equal(peer.S3_ACCESS_KEY_ID, store.ROOT_ACCESS_KEY)
    assert.equal(peer.S3_SECRET_ACCESS_KEY, store.ROOT_SECRET_KEY)
    assert.equal(peer.S3_ENDPOINT, `http://s3${serviceOf('s3').command?.[1]}`)
    assert.equal(new URL(peer.MONGODB_URL ?? '').hostname, 'mongodb')
  })

  it('lets chaos find the peers of this project', () => {
    const { environment = {} } = serviceOf('chaos')
    assert.equal(environment.CHAOS_PROJECT, name)
    assert.deepEqual(environment.CHAOS_PEERS?.split(','), PEERS)
  })
})

describe('the dashboard', () => {
  for (const { panels } of dashboards) {
    it('has panels that say what they show, side by side', () => {
      const shown = panels.filter(({ type }) => type !== 'row')
      assert.equal(new Set(shown.map(({ title }) => title)).size, shown.length)
      for (const { title, description = '', gridPos } of shown) {
        assert.ok(description.length > 10, title)
        assert.ok(gridPos.x + gridPos.w <= 24, title)
        const overlaps = panels.filter(
          ({ gridPos: other }) =>
            other.x < gridPos.x + gridPos.w &&
            gridPos.x < other.x + other.w &&
            other.y < gridPos.y + gridPos.h &&
            gridPos.y < other.y + other.h,
        )
        assert.equal(overlaps.length, 1, title)
      }
    })
  }
})
