/** Pipelines that group rows again: how documents say so, what they become, and what is refused. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { decodeJob, encodeJob } from '../../src/job/body.ts'
import { compileJob } from '../../src/job/compile.ts'
import { type CompiledJob, shufflesOf, unitsOfStage } from '../../src/job/compiled.ts'
import { explainJob } from '../../src/job/explain.ts'
import { assumedSources } from '../../src/job/facts.ts'
import { parseJob } from '../../src/job/parse.ts'
import { differences } from '../../src/job/upgrade.ts'
import { jobGraph } from '../../src/peer/graph.ts'
import { edited, faultsIn } from './faults.ts'

/** Two more stages behind the counts. */
const LATER = `  - compute: { many: n > 10 }
  - keyBy: many
  - window: { tumbling: 1w }
  - aggregate: { days: count(), most: max(n), some: 'collect(origin, 3)' }
  - window: { tumbling: 4w }
  - aggregate: { days: sum(days) }
`
const AGGREGATE = '  - aggregate: { n: count() }\n'
const behind = (steps: string, ...edits: readonly (readonly [string, string])[]): string =>
  edited([AGGREGATE, AGGREGATE + steps], ...edits)

function compiled(text: string, partitions = 3): CompiledJob {
  const document = parseJob(text, 'yaml', 'job')
  const sources = assumedSources(document, partitions)
  return compileJob(document, { cluster: 'c', submission: 1, sources, missingTopics: [] })
}

const bodyOf = (text: string) => ({
  document: { text, format: 'yaml' as const },
  compiled: compiled(text),
  submittedAt: '2026-01-01T00:00:00.000Z',
})

const JOINED =
  'sources: { a: { topic: a }, b: { topic: b } }\njoin: { left: a, right: b, on: id, within: 1m, select: { distance: a.d, origin: b.o } }'
const WINDOW = '  - window: { tumbling: 1w }\n  - aggregate: { most: max(n) }\n'

describe('a pipeline that groups rows again', () => {
  it('is a stage more for each time, behind a shuffle of its own', () => {
    const job = compiled(`${behind(LATER)}shuffle: { partitions: 5 }\n`)
    assert.deepEqual(
      job.stages.map(({ output, input, next }) => [
        input.kind === 'slices' ? [input.sources, input.rowSources] : input.kind,
        output.kind === 'shuffle' ? [output.partitions, output.carries] : output.kind,
        next?.keyBy?.map(({ source }) => source),
      ]),
      [
        ['records', [5, undefined], undefined],
        [[3, undefined], [5, 'records'], ['many']],
        // Without a key there is one group, and one unit for it.
        [[5, 5], [1, 'records'], undefined],
        [[5, 5], 'rows', undefined],
      ],
    )
    assert.deepEqual(
      job.stages.map((_, stage) => unitsOfStage(job, stage)),
      [3, 5, 5, 1],
    )
    const topic = `quorate-shuffle-c-${job.generation}`
    assert.deepEqual(
      shufflesOf(job).map((shuffle) => shuffle.topic),
      [topic, `${topic}-2`, `${topic}-3`],
    )
  })

  it('has a shuffle before its first window too, where one job without the others would have none', () => {
    assert.equal(compiled(behind(LATER), 1).stages.length, 4)
    const partitioned = behind(LATER, ['topic: flights', 'topic: flights, partitionedBy: origin'])
    assert.equal(compiled(partitioned).stages.length, 4)
  })

  it('has the steps before the first window in the first stage, and those on rows where rows are made', () => {
    const [first, second, third, last] = compiled(behind(LATER)).stages
    assert.deepEqual([first?.steps.length, first?.after], [1, undefined])
    assert.equal(second?.after?.length, 1)
    assert.deepEqual([third?.after, last?.after], [undefined, undefined])
  })

  it('is stored and read again, and no stage of it is changed on the way', () => {
    const bytes = encodeJob(bodyOf(behind(LATER)))
    assert.deepEqual(encodeJob(decodeJob(bytes)), bytes)
    const text = Buffer.from(bytes).toString()
    for (const [part, changed] of [
      ['"rowSources":3', '"rowSources":2'],
      ['"next":{"aggregates":[{"kind":"sum"', '"next":{"aggregates":[{"kind":"max"'],
      ['"stage":3', '"stage":2'],
    ] as const) {
      assert.ok(text.includes(part), part)
      assert.throws(() => decodeJob(Buffer.from(text.replace(part, changed))), { code: 'QRT_JOB_INVALID' })
    }
  })

  it('keeps its state in an upgrade of steps on rows, and not in one of what rows are grouped by', () => {
    const before = compiled(behind(LATER))
    assert.deepEqual(differences(before, compiled(behind(LATER.replace('n > 10', 'n > 12')))), [])
    assert.deepEqual(differences(before, compiled(behind(LATER.replace('keyBy: many', 'keyBy: origin')))), [
      'what rows are grouped by next of stage 1',
      'the key of stage 2',
    ])
  })

  it('is explained stage by stage', () => {
    const document = parseJob(behind(LATER), 'yaml', 'job')
    const { laterShuffles, units, state } = explainJob(document, 3)
    assert.deepEqual(laterShuffles, [
      'rows of one many may come from any unit of the stage before',
      'the rows of all units are one group',
    ])
    assert.deepEqual(units, [3, 3, 3, 1])
    assert.match(state, /^stage 1: 1 aggregate .*; stage 2: 3 aggregates .*; stage 3: 1 aggregate /)
    const graph = jobGraph(compiled(behind(LATER)))
    assert.deepEqual(
      graph.map(({ id, to }) => `${id} > ${to.join(' ')}`),
      [
        'source > stage-0',
        'stage-0 > shuffle',
        'shuffle > stage-1',
        'stage-1 > shuffle-2',
        'shuffle-2 > stage-2',
        'stage-2 > shuffle-3',
        'shuffle-3 > stage-3',
        'stage-3 > kafka:results',
        'kafka:results > ',
      ],
    )
    const second = graph.find(({ id }) => id === 'stage-1')
    assert.deepEqual(second?.steps?.slice(-3), [
      { step: 'compute', text: 'many: n > 10' },
      { step: 'keyBy', text: 'many' },
      { step: 'pass on', text: 'rows that are final' },
    ])
  })

  it('takes rows by the time that they say, which is stored, explained and kept in an upgrade', () => {
    const timed = (time: string) => behind(`  - time: ${time}\n${WINDOW}`)
    const job = compiled(timed('{ field: window.start, within: 1d }'))
    const [, second, third] = job.stages
    assert.deepEqual(second?.next?.time, {
      path: ['window', 'start'],
      withinMs: 86_400_000,
      pointer: '/pipeline/4/time',
    })
    assert.equal(third?.next, undefined)
    const text = timed('{ field: window.start, within: 1d }')
    assert.deepEqual(decodeJob(encodeJob(bodyOf(text))).compiled.stages, job.stages)
    const steps = jobGraph(job).find(({ id }) => id === 'stage-1')?.steps
    assert.deepEqual(
      steps?.find(({ step }) => step === 'time'),
      { step: 'time', text: 'window.start, at most 1d before its own' },
    )
    assert.deepEqual(differences(job, compiled(timed('{ field: window.start, within: 2d }'))), [
      'what rows are grouped by next of stage 1',
    ])
  })

  it('can follow a step that passes records on, and a join', () => {
    const WINDOW = '  - window: { tumbling: 1d }\n  - aggregate: { n: count() }\n'
    const text = edited([WINDOW, `  - dedupe: { by: id, within: 1h }\n  - keyBy: carrier\n${WINDOW}`])
    const [, second, third] = compiled(text).stages
    assert.deepEqual([second?.ordered?.kind, third?.ordered, third?.window?.kind], ['dedupe', undefined, 'aligned'])
    const joined = edited(['source: { topic: flights }', JOINED])
    const stages = compiled(joined).stages
    assert.deepEqual(
      stages.map(({ ordered, window }) => [ordered?.kind, window?.kind]),
      [
        ['join', undefined],
        ['join', undefined],
        [undefined, 'aligned'],
      ],
    )
    assert.equal(stages[1]?.ordered?.kind === 'join' && stages[1].ordered.steps.length, 1)
  })
})

describe('a stage behind rows', () => {
  const cases: readonly (readonly [name: string, text: string, fault: RegExp])[] = [
    [
      'has something that holds its rows',
      behind('  - keyBy: key\n'),
      /^8:5 \/pipeline\/4\/keyBy a keyBy behind other stages begins another one, and nothing here takes what it groups/,
    ],
    [
      'has something that its time is for',
      behind('  - time: { field: window.start, within: 1d }\n'),
      /^8:5 \/pipeline\/4\/time a time behind other stages begins another one, and nothing here takes what it is about/,
    ],
    [
      'has a time that rows say',
      behind(`  - time: { field: window.begin, within: 1d }\n${WINDOW}`),
      /^8:20 \/pipeline\/4\/time\/field the rows here have no "window.begin"/,
    ],
    [
      'has a time that rows of a join have',
      edited(
        ['source: { topic: flights }', JOINED],
        ['  - keyBy: origin', '  - time: { field: att, within: 1d }\n  - keyBy: origin'],
      ),
      /\/pipeline\/1\/time\/field .*"att"/,
    ],
    [
      'has a time before its key',
      behind(`  - keyBy: key\n  - time: { field: window.start, within: 1d }\n${WINDOW}`),
      /^9:5 \/pipeline\/5\/time expected time right before the keyBy or window of the stage that takes the rows; found time after keyBy/,
    ],
    [
      'says how long it waits for the rows of a time',
      behind(`  - time: { field: window.start }\n${WINDOW}`),
      /^8:5 \/pipeline\/4\/time\/within "within" is missing/,
    ],
    [
      'alone says so of its records; the first takes those of a source',
      edited(['  - keyBy: origin', '  - time: { field: at, within: 1d }\n  - keyBy: origin']),
      /\/pipeline\/.\/time the source says when its records happened/,
    ],
    ['has aggregates', behind('  - window: { tumbling: 1w }\n'), /^8:5 \/pipeline\/4\/window window needs aggregate/],
    [
      'takes rows that stay as they are, not those of all of time',
      behind(WINDOW, ['tumbling: 1d', 'global: true, emit: onUpdate']),
      /^8:5 \/pipeline\/4 rows of a global window may change as long as the job runs/,
    ],
    [
      'takes no rows of open windows',
      behind(WINDOW, ['tumbling: 1d', 'tumbling: 1d, emit: onUpdate']),
      /^8:5 \/pipeline\/4 rows of open windows go to sinks only/,
    ],
    [
      'takes matches that come in time',
      edited([
        '  - window: { tumbling: 1d }\n  - aggregate: { n: count() }\n',
        `  - pattern: { stages: [{ name: a }], afterMatch: skipPastLast }\n  - window: { tumbling: 1w }\n${AGGREGATE}`,
      ]),
      /^7:5 \/pipeline\/3 a pattern that skips and has no time may hold matches back for ever/,
    ],
    [
      'reads names that rows have',
      behind(WINDOW.replace('max(n)', 'max(m)')),
      /^9:24 \/pipeline\/5\/aggregate\/most the rows here have no "m"; they have n, final, key, origin,/,
    ],
    [
      'is grouped by names that rows have',
      behind(`  - keyBy: destination\n${WINDOW}`),
      /^8:12 \/pipeline\/4\/keyBy the rows here have no "destination"/,
    ],
    [
      'is not behind what silence closes',
      behind(WINDOW, ['topic: flights', 'topic: flights, onIdle: close']),
      /^2:35 \/source\/onIdle silence cannot close windows whose rows go on to another stage/,
    ],
    [
      'is one of few',
      behind(WINDOW.replace('max(n)', 'count()').replace('most', 'n').repeat(8)),
      /^22:5 \/pipeline\/18 expected at most 8 stages that group and hold; found 9/,
    ],
  ]
  for (const [name, text, fault] of cases) {
    it(name, () => {
      const found = faultsIn(text)
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0] ?? '', fault)
    })
  }
})
