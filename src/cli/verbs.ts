/** The verbs by name. Each is loaded only when it is asked for, so that the command line starts quickly. */
import type { Verb } from './verb.ts'

export interface VerbEntry {
  readonly summary: string
  /** Needs what a peer needs of Node. */
  readonly startsPeers?: true
  readonly load: () => Promise<{ readonly verb: Verb }>
}

export const VERBS: Readonly<Record<string, VerbEntry>> = {
  demo: {
    summary: 'Three peers on this machine, real flights, certified windows',
    startsPeers: true,
    load: () => import('./demo.ts'),
  },
  join: { summary: 'Start a peer and join a cluster', startsPeers: true, load: () => import('./join.ts') },
  leave: { summary: 'Take the asked peer out of its cluster', load: () => import('./leave.ts') },
  members: { summary: 'Peers and their health', load: () => import('./members.ts') },
  force: { summary: 'Go on without a majority that is gone for good', load: () => import('./force.ts') },
  remove: { summary: 'Take a member that is gone out of the cluster', load: () => import('./remove.ts') },
  ring: { summary: 'Which peers hold which units', load: () => import('./ring.ts') },
  submit: { summary: 'Submit a job document', load: () => import('./submit.ts') },
  upgrade: { summary: 'Give a job another document, keeping its state', load: () => import('./upgrade.ts') },
  jobs: { summary: 'Jobs, or one of them', load: () => import('./jobs.ts') },
  query: { summary: 'Windows at read quorum, with their signers', load: () => import('./query.ts') },
  watch: { summary: 'Certificates, commits and members as they happen', load: () => import('./watch.ts') },
  status: { summary: 'Where each unit stands, and why there is no result', load: () => import('./status.ts') },
  pause: { summary: 'Pause a job', load: () => import('./pause.ts') },
  resume: { summary: 'Let a paused job go on', load: () => import('./resume.ts') },
  resolve: { summary: 'Decide what a unit cannot decide by itself', load: () => import('./resolve.ts') },
  delete: { summary: 'Delete a job', load: () => import('./delete.ts') },
  certificates: { summary: "A job's certificates, to verify offline", load: () => import('./certificates.ts') },
  verify: { summary: 'Check certificates offline', load: () => import('./verify.ts') },
  produce: { summary: 'Append the lines of a file to a topic', startsPeers: true, load: () => import('./produce.ts') },
  consume: { summary: 'The records of a topic', startsPeers: true, load: () => import('./consume.ts') },
  doctor: { summary: 'What would keep a peer or a job from running here', load: () => import('./doctor.ts') },
  lint: { summary: 'Check job documents without a peer', load: () => import('./lint.ts') },
  test: { summary: 'Test a job: sample records, virtual time, expected rows', load: () => import('./test.ts') },
  sql: { summary: 'The job document that SQL becomes', load: () => import('./sql.ts') },
  explain: { summary: 'What a job becomes: stages, shuffles, units, guarantees', load: () => import('./explain.ts') },
  init: { summary: 'A project to start from', load: () => import('./init.ts') },
  schema: { summary: 'The JSON Schema of job documents', load: () => import('./schema.ts') },
  config: { summary: 'Settings, and where each came from', load: () => import('./config.ts') },
  completion: {
    summary: 'A script by which a shell completes verbs and options',
    load: () => import('./completion.ts'),
  },
  version: { summary: 'The version', load: () => import('./version.ts') },
}
