/** The settings of a peer: what each is called as a flag, in the environment and in the file, and its default. */
import type { Definition } from './settings.ts'
import type { VerbOption } from './verb.ts'

interface PeerDefinition extends Definition, Omit<VerbOption, 'type'> {
  readonly type: 'string' | 'boolean'
}

const define = (
  name: string,
  flag: string,
  fallback: string,
  help: string,
  option: Partial<VerbOption> = {},
): PeerDefinition => ({
  name,
  flag,
  variable: `QUORATE_${flag.toUpperCase().replaceAll('-', '_')}`,
  fallback,
  type: 'string',
  help,
  ...option,
})

export const PEER_DEFINITIONS = {
  name: define('name', 'name', '', 'How people call this peer; default: the first digits of its id', {
    placeholder: 'NAME',
  }),
  data: define('data', 'data', '.quorate/peer', 'Its own directory: identity, votes, results', { placeholder: 'DIR' }),
  seeds: define('seeds', 'seed', '', 'Address of a peer of the cluster; may be given several times', {
    placeholder: 'ws://HOST:PORT',
    multiple: true,
  }),
  bootstrap: define('bootstrap', 'bootstrap', 'false', 'Start a cluster of this peer alone', { type: 'boolean' }),
  bootstrapExpect: define('bootstrapExpect', 'bootstrap-expect', '', 'Start a cluster once this many peers agree', {
    placeholder: 'K',
  }),
  restore: define('restore', 'restore', '', 'Take the jobs of a lost cluster over, from its checkpoints', {
    placeholder: 'CLUSTER',
  }),
  listen: define('listen', 'listen', '127.0.0.1:7400', 'Where other peers connect; port 0 takes a free one', {
    placeholder: 'HOST:PORT',
  }),
  advertise: define('advertise', 'advertise', '', 'Where others reach it, when that is not where it listens', {
    placeholder: 'ws://HOST:PORT',
  }),
  http: define('http', 'http', '127.0.0.1:7401', 'Where it serves API and dashboard', { placeholder: 'HOST:PORT' }),
  secretFile: define('secretFile', 'secret-file', '', 'File with the secret that all peers share', {
    placeholder: 'FILE',
  }),
  tokensFile: define('tokensFile', 'tokens-file', '', 'File with the tokens of the API: a role and a token a line', {
    placeholder: 'FILE',
  }),
  logAddress: define('logAddress', 'log', 'embedded:.quorate/log', 'Where records are read from and written to', {
    placeholder: 'embedded:DIR|kafka://HOST:PORT,…',
  }),
  functions: define(
    'functions',
    'functions',
    '',
    'Module of functions that jobs may call; may be given several times',
    {
      placeholder: 'FILE',
      multiple: true,
    },
  ),
  workers: define('workers', 'workers', '', 'Threads that process records; default: one a core, at most 8', {
    placeholder: 'COUNT',
  }),
  // Both as DEFAULT_VIEW_SETTINGS has them.
  admitAfter: define('admitAfter', 'admit-after', '3s', 'A new peer becomes a member once it was alive this long', {
    placeholder: 'DURATION',
  }),
  removeAfter: define(
    'removeAfter',
    'remove-after',
    '10m',
    'A member is removed once a majority has held it dead this long, or never',
    { placeholder: 'DURATION|never' },
  ),
  logLevel: define('logLevel', 'log-level', 'info', 'debug, info, warn or error', { placeholder: 'LEVEL' }),
  logFormat: define('logFormat', 'log-format', 'text', 'text or json', { placeholder: 'FORMAT' }),
  insecure: define('insecure', 'insecure', 'false', 'Allow other addresses than loopback without secret or tokens', {
    type: 'boolean',
  }),
} as const satisfies Record<string, PeerDefinition>

/** As options of a verb. */
export const PEER_OPTIONS: Readonly<Record<string, VerbOption>> = Object.fromEntries(
  Object.values(PEER_DEFINITIONS).map(({ flag, type, help, placeholder, multiple }: PeerDefinition) => [
    flag,
    {
      type,
      help,
      ...(placeholder === undefined ? {} : { placeholder }),
      ...(multiple === undefined ? {} : { multiple }),
    },
  ]),
)
