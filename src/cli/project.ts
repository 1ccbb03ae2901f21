/** What `quorate init` writes. A test runs all of it, so it cannot fall behind the language. */
import { toJson } from '../http/json.ts'
import { jobJsonSchema } from './job-language.ts'

export interface ProjectFile {
  readonly path: string
  readonly text: string
}

export function projectFiles(name: string): readonly ProjectFile[] {
  return [
    { path: `${name}.yaml`, text: job(name) },
    { path: `${name}.job.test.yaml`, text: suite(name) },
    { path: `${name}.jsonl`, text: recordLines() },
    { path: 'job.schema.json', text: `${toJson(jobJsonSchema(), 2)}\n` },
    { path: 'README.md', text: readme(name) },
  ]
}

const job = (name: string): string => `# yaml-language-server: $schema=job.schema.json
# How often each page is visited, minute by minute.
name: ${name}
source:
  topic: ${name}-events
  time: { field: at }
  outOfOrderness: 5s
pipeline:
  - filter: status == 200
  - keyBy: page
  - window: { tumbling: 1m }
  - aggregate:
      visits: count()
      slow: count(ms > 500)
      meanMs: avg(ms)
# On three peers { replicas: 3, write: 2, read: 2 }: one of them may be lost.
quorum: { replicas: 1, write: 1, read: 1 }
`

export const RECORDS = [
  { at: '2026-01-01T12:00:01Z', page: '/', status: 200, ms: 120 },
  { at: '2026-01-01T12:00:09Z', page: '/cart', status: 200, ms: 700 },
  { at: '2026-01-01T12:00:30Z', page: '/', status: 404, ms: 5 },
  { at: '2026-01-01T12:00:59Z', page: '/', status: 200, ms: 80 },
  { at: '2026-01-01T12:01:10Z', page: '/cart', status: 200, ms: 300 },
]

export const recordLines = (): string => RECORDS.map((record) => `${JSON.stringify(record)}\n`).join('')

const suite = (name: string): string => `# Run it with: quorate test ${name}.job.test.yaml
job: ${name}.yaml
cases:
  - name: visits are counted by page and minute, failures left out
    given:
${RECORDS.map((record) => `      - record: ${JSON.stringify(record)}`).join('\n')}
    rows:
      - { window: { start: "2026-01-01T12:00:00.000Z", end: "2026-01-01T12:01:00.000Z" }, key: /, visits: 2, slow: 0, meanMs: 100, final: true }
      - { key: /cart, visits: 1, slow: 1, meanMs: 700 }
      - { key: /cart, visits: 1, slow: 0, meanMs: 300 }

  - name: a minute that falls silent is shown before it is final
    end: false
    given:
      - record: { at: "2026-01-01T12:00:01Z", page: /, status: 200, ms: 120 }
      - wait: 30s
    rows:
      - { key: /, visits: 1, slow: 0, meanMs: 120, final: false }

  - name: a visit that comes after its minute is a dead letter
    given:
      - record: { at: "2026-01-01T12:02:00Z", page: /, status: 200, ms: 1 }
      - record: { at: "2026-01-01T12:00:00Z", page: /, status: 200, ms: 1 }
    rows:
      - { visits: 1, slow: 0, meanMs: 1 }
    deadLetters:
      - { error: QRT_RECORD_LATE }
`

const readme = (name: string): string => `# ${name}

In this folder:

\`\`\`sh
quorate lint ${name}.yaml                   # is the document right?
quorate test                               # does it do what it should?
quorate explain ${name}.yaml                # what becomes of it?
\`\`\`

With a peer (\`quorate join --bootstrap\`, in a terminal of its own and in the same folder) or the cluster of \`quorate demo\`, which
prints the log that \`quorate produce\` must write to (\`export QUORATE_LOG=…\`):

\`\`\`sh
quorate produce ${name}-events ${name}.jsonl
quorate submit ${name}.yaml
quorate query ${name} --open                # with the minute that is not over yet
quorate status                             # what is waited for
\`\`\`

Editors with a YAML language server complete \`${name}.yaml\` by \`job.schema.json\`, which \`quorate schema\` prints.
`
