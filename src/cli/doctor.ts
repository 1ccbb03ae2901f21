/** `quorate doctor`: looks at everything that a peer needs, before it is started or while it runs, and says what is wrong. */
import type { Check, Finding, Verdict } from '../doctor/check.ts'
import type { JobDocument } from '../job/document.ts'
import { runsPeers } from '../node-version.ts'
import type { PeerSettings } from '../peer/start.ts'
import { Client } from './client.ts'
import { commonFlags } from './common-options.ts'
import { readNamedDocument } from './documents.ts'
import { EXIT } from './exit.ts'
import { logAddress } from './log-setting.ts'
import { cellText, type Output, type Style } from './output.ts'
import { parseDocument } from './parse-document.ts'
import { PEER_OPTIONS } from './peer-definitions.ts'
import { peerFlags } from './peer-flags.ts'
import { peerSettings } from './peer-settings.ts'
import { configFile } from './settings.ts'
import type { Verb, VerbContext } from './verb.ts'

const STYLES: Readonly<Record<Verdict, Style>> = { ok: 'green', warning: 'yellow', failed: 'red' }

export const verb: Verb = {
  summary: 'What would keep a peer or a job from running here',
  description: [
    'Takes the settings that "quorate join" takes, and looks at Node, the disk, ports, seeds, the log and checkpoints; at the cluster,',
    'when a peer answers at --url: its members, whether they agree on the ring, their clocks; and with job documents at their topics',
    'and sinks. The log, sinks and checkpoints are tried as a peer uses them; what is written for it is removed or harmless.',
    'Exit code 1 when anything failed. --timeout bounds each check.',
  ].join('\n'),
  args: [{ name: 'FILE', required: false, many: true, help: 'Job documents in YAML, TOML or JSON' }],
  options: PEER_OPTIONS,
  examples: [
    { command: 'quorate doctor', what: 'this machine, and the peer that runs here' },
    { command: 'quorate doctor --config configs/peers/kafka.yaml', what: 'as a peer with this file would be started' },
    { command: 'quorate doctor delays.yaml --log kafka://127.0.0.1:9092', what: 'and what a job needs' },
  ],
  run: async (context) => {
    const { output, settings } = context
    const checks = await checksOf(context)
    const { findings } = await import('../doctor/check.ts')
    const found: Finding[] = []
    for await (const finding of findings(checks, settings.timeoutMs)) {
      found.push(finding)
      if (output.format === 'text') show(finding, output)
      else if (output.format === 'jsonl') output.jsonLines([finding])
    }
    const count = (verdict: Verdict) => found.filter((finding) => finding.verdict === verdict).length
    if (output.format === 'json') output.json({ findings: found })
    else if (output.format === 'text') {
      output.note(`${count('ok')} ok, ${count('warning')} to look at, ${count('failed')} failed`)
    }
    return count('failed') === 0 ? EXIT.ok : EXIT.failed
  },
}

async function checksOf({ args, options, settings, client, signal }: VerbContext): Promise<readonly Check[]> {
  const flags = { ...commonFlags(options), ...peerFlags(options) }
  const inputs = { flags, environment: process.env, terminal: false }
  const peer = peerSettings(inputs, configFile(inputs))
  const jobs = await Promise.all(args.map((file) => parseDocument(readNamedDocument(file ?? '', undefined))))
  const { url } = settings
  const apiOf = (other: string) => new Client({ ...settings, url: other, signal })
  const [machine, network, cluster] = await Promise.all([
    import('../doctor/machine.ts'),
    import('../doctor/network.ts'),
    import('../doctor/cluster.ts'),
  ])
  return [
    ...machine.machineChecks(peer.dataDirectory),
    ...network.networkChecks(peer),
    // They need what an older Node lacks, which is a finding already.
    ...(runsPeers(process.versions.node) ? await placeChecks(peer, jobs) : []),
    ...(await cluster.clusterChecks({ url, api: client(), apiOf })),
  ]
}

async function placeChecks(peer: PeerSettings, jobs: readonly JobDocument[]): Promise<readonly Check[]> {
  const [log, places] = await Promise.all([import('../doctor/log.ts'), import('../doctor/places.ts')])
  return [
    log.logCheck(peer.log, logAddress(peer.log)),
    ...(peer.checkpoints === undefined ? [] : [places.checkpointCheck(peer.checkpoints, peer.connections)]),
    ...jobs.flatMap((job) => [places.topicCheck(job, peer.log), ...places.sinkChecks(job, peer.connections, peer.log)]),
  ]
}

function show({ name, verdict, detail }: Finding, output: Output): void {
  output.line(`${output.paint(STYLES[verdict], verdict.padEnd(7))}  ${cellText(name)}: ${cellText(detail)}`)
}
