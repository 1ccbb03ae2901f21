/** `quorate verify`: checks certificates from a file against members' public keys. Asks nobody. */
import { QuorateError } from '../errors.ts'
import { readText } from './documents.ts'
import { EXIT } from './exit.ts'
import { cellText } from './output.ts'
import type { Verb } from './verb.ts'

export const verb: Verb = {
  summary: 'Check certificates offline, against the members’ public keys',
  description: [
    'Checks each certificate (W distinct members signed exactly this content), that no two of one position differ, and that',
    'neighbours form one chain. Trust begins with the members file: keep it from a peer that you trust. The file of',
    'certificates says itself how many signatures are needed; --write sets the least that you accept.',
  ].join('\n'),
  args: [
    { name: 'FILE', required: true, help: 'JSON of query or certificates (also JSON lines); - reads standard input' },
  ],
  options: {
    members: { type: 'string', placeholder: 'FILE', help: 'Output of "quorate members --json"; required' },
    write: { type: 'string', placeholder: 'W', help: 'At least this many signatures, whatever the file says' },
  },
  examples: [
    { command: 'quorate members --json > members.json', what: 'the public keys, once' },
    { command: 'quorate query flight-delays --all --json > rows.json', what: 'rows with their certificates' },
    { command: 'quorate verify rows.json --members members.json --write 2', what: 'no peer is asked' },
  ],
  run: async ({ args: [path = ''], options, output }) => {
    const membersFile = options.string('members')
    if (membersFile === undefined) {
      throw new QuorateError('QRT_USAGE', '--members FILE is missing: make it with "quorate members --json"')
    }
    const { checkCertificates, readCertificates, readMembers } = await import('./verification.ts')
    const certificates = readCertificates(readText(path), path)
    const members = readMembers(readText(membersFile), membersFile)
    const findings = checkCertificates(certificates, members, leastWrite(options.string('write')))
    const bad = findings.filter((finding) => !finding.ok)
    if (output.format === 'json') {
      output.json({ certificates: findings.length, valid: findings.length - bad.length, findings })
    } else if (output.format === 'jsonl') output.jsonLines(findings)
    else {
      for (const { unit, position, reason } of bad)
        output.line(`${output.paint('red', 'bad')}  ${cellText(`${unit} ${position}: ${reason}`)}`)
      output.line(`${findings.length - bad.length} of ${findings.length} certificates are valid`)
    }
    return bad.length === 0 ? EXIT.ok : EXIT.failed
  },
}

function leastWrite(text: string | undefined): number {
  if (text === undefined) return 1
  if (!/^[1-9]\d?$/.test(text)) throw new QuorateError('QRT_USAGE', `--write: expected a number, found "${text}"`)
  return Number(text)
}
