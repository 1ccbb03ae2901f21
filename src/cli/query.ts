/** `quorate query`: windows of a job at read quorum, each with who signed for it. */
import { QuorateError } from '../errors.ts'
import type { WindowPage, WindowRow } from '../http/api.ts'
import { fromJson, toJson } from '../http/json.ts'
import { HTTP_LIMITS } from '../http/limits.ts'
import type { Client, Query } from './client.ts'
import { EXIT } from './exit.ts'
import type { Output } from './output.ts'
import type { Verb, VerbOptions } from './verb.ts'

export const verb: Verb = {
  summary: 'Windows of a job at read quorum, with their signers',
  description: [
    'JSON holds each row with the index of the certificate that proves it, and the certificates: keep it in a file and',
    'check it with "quorate verify". Rows of open windows (--open) are not certified yet and say so.',
  ].join('\n'),
  args: [{ name: 'JOB', required: true, help: 'name of the job' }],
  options: {
    key: { type: 'string', short: 'k', placeholder: 'KEY', help: 'Only this key: JSON, or plain text for a string' },
    from: { type: 'string', placeholder: 'TIME', help: 'Only windows that end after this time (ISO 8601)' },
    to: { type: 'string', placeholder: 'TIME', help: 'Only windows that start before this time' },
    open: { type: 'boolean', help: 'Also windows that are still open' },
    stale: { type: 'boolean', help: 'What is known where too few replicas answer for a read that sees everything' },
    limit: { type: 'string', placeholder: 'ROWS', help: `At most this many (default ${HTTP_LIMITS.pageDefault})` },
    cursor: { type: 'string', placeholder: 'CURSOR', help: 'Go on behind an earlier page' },
    all: { type: 'boolean', help: 'Every page; --limit is then the size of one' },
  },
  examples: [
    { command: 'quorate query flight-delays --key ORD', what: 'one key' },
    {
      command: 'quorate query flight-delays --from 2001-01-14T00:00:00Z --to 2001-01-15T00:00:00Z',
      what: 'one day',
    },
    { command: 'quorate query flight-delays --all --json > rows.json', what: 'everything, with certificates' },
  ],
  run: async ({ args: [job = ''], options, client, output }) => {
    const query = queryOf(options)
    if (output.format === 'json' || output.format === 'text') {
      const page = options.flag('all') ? await everyPage(client(), job, query) : await client().windows(job, query)
      if (output.format === 'json') output.json(page)
      else rowTable(page, output)
      return note(page, output)
    }
    for await (const page of pages(client(), job, query, options.flag('all'))) {
      output.jsonLines(page.rows.map((row) => ({ ...row, signers: signersOf(page, row) })))
      note(page, output)
    }
    return EXIT.ok
  },
}

function queryOf(options: VerbOptions): Query {
  const key = options.string('key')
  const limit = options.string('limit')
  if (limit !== undefined && !/^[1-9]\d{0,5}$/.test(limit)) {
    throw new QuorateError(
      'QRT_USAGE',
      `--limit: expected a number from 1 to ${HTTP_LIMITS.pageRows}, found "${limit}"`,
    )
  }
  return {
    key: key === undefined ? undefined : keyText(key),
    from: options.string('from'),
    to: options.string('to'),
    open: options.flag('open') ? true : undefined,
    stale: options.flag('stale') ? true : undefined,
    limit,
    cursor: options.string('cursor'),
  }
}

/** What is JSON stands for itself; any other text is a string key, so that `--key ORD` needs no quotes inside quotes. */
function keyText(text: string): string {
  try {
    fromJson(text)
    return text
  } catch {
    return toJson(text)
  }
}

async function* pages(client: Client, job: string, query: Query, all: boolean): AsyncGenerator<WindowPage> {
  let page = await client.windows(job, query)
  yield page
  while (all && page.next !== undefined) {
    page = await client.windows(job, { ...query, cursor: page.next })
    yield page
  }
}

/** One page of all: rows keep pointing at their certificates. */
async function everyPage(client: Client, job: string, query: Query): Promise<WindowPage> {
  const rows: WindowRow[] = []
  const certificates: WindowPage['certificates'][number][] = []
  let mayBeStale = false
  for await (const page of pages(client, job, query, true)) {
    const shift = certificates.length
    for (const { certificate, ...row } of page.rows) {
      rows.push(certificate === undefined ? row : { ...row, certificate: certificate + shift })
    }
    certificates.push(...page.certificates)
    mayBeStale ||= page.mayBeStale
  }
  return { rows, certificates, mayBeStale }
}

function rowTable(page: WindowPage, output: Output): void {
  if (page.rows.length === 0) {
    output.note('No windows match. Windows that are still open are shown with --open.')
    return
  }
  const names = [...new Set(page.rows.flatMap((row) => Object.keys(row.values)))]
  output.table(
    ['START', 'END', 'KEY', ...names, 'REVISION', 'STATE', 'SIGNERS'],
    page.rows.map((row) => [
      row.window.start,
      row.window.end,
      row.key,
      ...names.map((name) => row.values[name]),
      row.revision,
      row.certified ? (row.final ? 'final' : 'provisional') : 'open',
      signersOf(page, row).join(', '),
    ]),
  )
}

function signersOf(page: WindowPage, row: WindowRow): readonly string[] {
  return row.certificate === undefined ? [] : (page.certificates[row.certificate]?.signerNames ?? [])
}

function note(page: WindowPage, output: Output): number {
  if (page.mayBeStale) output.note('These rows may be stale: not every replica that a fresh read needs has answered.')
  if (page.next !== undefined) output.note(`There is more: --cursor ${page.next}, or --all`)
  return EXIT.ok
}
