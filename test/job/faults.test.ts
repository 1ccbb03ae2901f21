import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { JobFormat } from '../../src/job/document.ts'
import { JobInvalidError } from '../../src/job/errors.ts'
import { parseJob } from '../../src/job/parse.ts'
import { edited, faultsIn, GOOD } from './faults.ts'

type Table = readonly (readonly [what: string, text: string, faults: readonly string[]])[]

function check(table: Table, format: JobFormat = 'yaml'): void {
  for (const [what, text, faults] of table) {
    it(what, () => {
      assert.deepEqual(faultsIn(text, format), faults)
    })
  }
}

const DURATION = 'expected a duration such as 10s, 1h30m or 1d'
const AGGREGATES =
  'count, sum, avg, min, max, variance, stddev, median, quantile, topK, first, last, collect, countDistinct, maxBy, minBy, topBy'
const CALL = 'expected a call such as count(), count(delay > 15), sum(x), avg(x), min(x) or max(x)'

const inPlaceOf = (part: string, replacement: string): string => edited([part, replacement])
const filter = (expression: string): string => inPlaceOf('distance > 100', expression)
const aggregate = (call: string): string => inPlaceOf('n: count()', call)
const window = (inside: string): string => inPlaceOf('tumbling: 1d', inside)
const source = (inside: string): string => inPlaceOf('topic: flights', inside)
const sink = (inside: string): string => inPlaceOf('kafka: { topic: results }', inside)
const quorum = (inside: string): string => inPlaceOf('replicas: 3, write: 2, read: 2', inside)

describe('a good document', () => {
  check([['has no faults', GOOD, []]])
})

describe('names', () => {
  const name = 'expected a name of 1 to 63 lower-case letters, digits and hyphens that begins with a letter or digit'
  check([
    ['of a job have a form', inPlaceOf('delays', 'A_b'), [`1:7 /name ${name}; found "A_b"`]],
    ['of a job are not numbers', inPlaceOf('delays', '12'), [`1:7 /name ${name}; found 12`]],
    [
      'that are missing are told where they belong',
      inPlaceOf('name: delays\n', ''),
      [`1:1 /name "name" is missing; ${name}`],
    ],
    [
      'that are unknown are told with the known ones, and what is meant',
      `${GOOD}retension: 7d\n`,
      [
        '10:1 /retension unknown name "retension"; known here: name, source, sources, join, joins, pipeline, sinks, deadLetters, quorum, shuffle, maxCutAge, retention [did you mean "retention"?]',
      ],
    ],
    [
      'that are unknown and mean one that is missing are told once',
      source('tpoic: flights'),
      [
        '2:11 /source/tpoic unknown name "tpoic"; known here: topic, format, envelope, time, outOfOrderness, from, bounded, idleAfter, onIdle, partitionedBy [did you mean "topic"?]',
      ],
    ],
    ['stand once', `${GOOD}name: other\n`, ['10:1 "name" stands twice here; keep one of them']],
    [
      'are not what JavaScript means by them',
      aggregate('constructor: count()'),
      ['7:18 "constructor" cannot be a name here [choose another]'],
    ],
    [
      'of aggregates are not those that every result has',
      aggregate('n: count(), key: count()'),
      ['7:30 /pipeline/3/aggregate/key every result has a field "key" of its own; choose another name'],
    ],
    [
      'of fields have no control characters',
      aggregate('"a\\tb": count()'),
      [
        '7:18 /pipeline/3/aggregate/a\tb expected a field name of 1 to 128 characters without control characters; found "a b"',
      ],
    ],
  ])
})

describe('durations', () => {
  check([
    [
      'have bounds of their own',
      `${GOOD}maxCutAge: 2h\n`,
      [`10:12 /maxCutAge ${DURATION}, at least 100ms, at most 1h; found "2h"`],
    ],
    [
      'end where time does',
      window('tumbling: 1d, offset: 999999999999w'),
      [`6:37 /pipeline/2/window/offset ${DURATION}; found "999999999999w"`],
    ],
    [
      'have units of their own',
      `${GOOD}maxCutAge: 10 minutes\n`,
      [`10:12 /maxCutAge ${DURATION}, at least 100ms, at most 1h; found "10 minutes" [write 10m]`],
    ],
    [
      'have units',
      `${GOOD}maxCutAge: "10"\n`,
      [`10:12 /maxCutAge ${DURATION}, at least 100ms, at most 1h; found "10" [add a unit: ms, s, m, h, d or w]`],
    ],
    [
      'are texts',
      `${GOOD}retention: 5\n`,
      ['10:12 /retention expected "forever", or a duration such as 10s, 1h30m or 1d; found 5'],
    ],
    [
      'have larger units first',
      window('tumbling: 1m1h'),
      [`6:25 /pipeline/2/window/tumbling ${DURATION}, at least 1ms, at most 520w; found "1m1h"`],
    ],
    [
      'of windows are not nothing',
      window('tumbling: 0s'),
      [`6:25 /pipeline/2/window/tumbling ${DURATION}, at least 1ms, at most 520w; found "0s"`],
    ],
    [
      'end somewhere',
      `${GOOD}retention: 999999999999w\n`,
      ['10:12 /retention expected "forever", or a duration such as 10s, 1h30m or 1d; found "999999999999w"'],
    ],
  ])
})

describe('expressions', () => {
  check([
    [
      'are told at the very character',
      filter('distance = 100'),
      ['4:22 /pipeline/0/filter expected an operator or a value; found "=" [compare with ==]'],
    ],
    [
      'in quotes, too',
      filter('"distance = 100"'),
      ['4:23 /pipeline/0/filter expected an operator or a value; found "=" [compare with ==]'],
    ],
    [
      'with escapes are told where they begin',
      filter('"\\x64istance = 100"'),
      ['4:13 /pipeline/0/filter expected an operator or a value; found "=" [compare with ==]'],
    ],
    [
      'in a block are told where it begins',
      filter('|\n      distance >\n'),
      ['4:13 /pipeline/0/filter expected a value; found the end of the text'],
    ],
    ['end', filter('distance >'), ['4:23 /pipeline/0/filter expected a value; found the end of the text']],
    ['close their brackets', filter('(a'), ['4:15 /pipeline/0/filter expected ")"; found the end of the text']],
    [
      'are not in English',
      filter('a > 1 or b'),
      ['4:19 /pipeline/0/filter expected an operator or a value; found "or" [write && for and, || for or, ! for not]'],
    ],
    [
      'have regular expressions of RE2',
      filter('a.matches("(?=b)")'),
      [
        '4:23 /pipeline/0/filter matches(): expected a regular expression of RE2; invalid or unsupported Perl syntax: `(?=`',
      ],
    ],
    [
      'have known functions',
      filter('size(foo(a)) > 1'),
      [
        '4:18 /pipeline/0/filter foo(): unknown; known functions are abs, bool, ceil, coalesce, double, duration, floor, greatest, has, int, isoTime, least, round, size, sqrt, string, timestamp, trunc',
      ],
    ],
    [
      'have no reserved words',
      filter('package == 1'),
      ['4:13 /pipeline/0/filter "package" is a reserved word of expressions and cannot be the name of a field in one'],
    ],
    [
      'have bounds',
      filter(`[${'1,'.repeat(300)}1]`.replace(/^/, '"').replace(/$/, '"')),
      ['4:527 /pipeline/0/filter expected an expression of at most 256 items in a list'],
    ],
    [
      'are texts',
      filter('true'),
      ['4:13 /pipeline/0/filter expected a condition, such as distance >= 100; found true'],
    ],
    [
      'are not empty',
      filter('" "'),
      ['4:13 /pipeline/0/filter expected a condition, such as distance >= 100; found " "'],
    ],
    [
      'of keys are told one by one',
      inPlaceOf('keyBy: origin', 'keyBy: [a, "b +", c, "d("]'),
      [
        '5:20 /pipeline/1/keyBy/1 expected a value; found the end of the text',
        '5:29 /pipeline/1/keyBy/3 expected a value; found the end of the text',
      ],
    ],
    [
      'of fields are told one by one',
      inPlaceOf('keyBy: origin', 'compute: { a: b +, c: d, e: f ++ }'),
      [
        '5:22 /pipeline/1/compute/a expected a value; found the end of the text',
        '5:36 /pipeline/1/compute/e expected a value; found "+"',
      ],
    ],
    [
      'read few names',
      inPlaceOf(
        'keyBy: origin',
        `keyBy: [${[0, 1, 2, 3, 4].map((k) => Array.from({ length: 110 }, (_, i) => `k${k}x${i}`).join('+')).join(', ')}]`,
      ),
      ['4:3 /pipeline expected at most 512 different names in the expressions of a pipeline; found 551'],
    ],
  ])
})

describe('aggregates', () => {
  check([
    ['are calls', aggregate('n: count'), [`7:21 /pipeline/3/aggregate/n ${CALL}; found "count" [write count()]`]],
    ['are texts or objects', aggregate('n: 1'), [`7:21 /pipeline/3/aggregate/n ${CALL}; found 1`]],
    [
      'have names that others know them by',
      aggregate('n: mean(x)'),
      [`7:21 /pipeline/3/aggregate/n expected one of ${AGGREGATES}; found "mean" [did you mean avg?]`],
    ],
    [
      'count everything without a star',
      aggregate('n: count(*)'),
      ['7:27 /pipeline/3/aggregate/n expected a value; found "*" [write count()]'],
    ],
    [
      'need something to add up',
      aggregate('n: sum()'),
      ['7:21 /pipeline/3/aggregate/n expected one expression in the brackets of sum; found nothing'],
    ],
    [
      'take one thing',
      aggregate('n: "max(a, b)"'),
      ['7:21 /pipeline/3/aggregate/n expected one expression in the brackets of max; found 2 expressions'],
    ],
    [
      'have names that others know them by, in any case',
      aggregate('n: COUNT_DISTINCT(x)'),
      [
        `7:21 /pipeline/3/aggregate/n expected one of ${AGGREGATES}; found "COUNT_DISTINCT" [did you mean countDistinct?]`,
      ],
    ],
    [
      'that need a number beside the expression say so',
      aggregate('n: quantile(x)'),
      [
        '7:21 /pipeline/3/aggregate/n expected an expression and a number from 0 to 1 in the brackets of quantile; found one expression [write quantile(x, 0.99)]',
      ],
    ],
    [
      'have that number told where it stands',
      aggregate('n: "topK(x, 500)"'),
      ['7:30 /pipeline/3/aggregate/n expected a whole number from 1 to 100 after the comma in topK; found "500"'],
    ],
    [
      'do not compute that number',
      aggregate('n: "collect(x, size(x))"'),
      [
        '7:33 /pipeline/3/aggregate/n expected a whole number from 1 to 1000 after the comma in collect; found "size(x)"',
      ],
    ],
    [
      'in the long form have that number in a field of its own',
      aggregate('n: { quantile: x }'),
      ['7:23 /pipeline/3/aggregate/n/quantile quantile needs at beside it: a number from 0 to 1 [add at: 0.99]'],
    ],
    [
      'in the long form bound it',
      aggregate('n: { topK: x, limit: 101 }, m: { quantile: x, at: 2 }'),
      [
        '7:39 /pipeline/3/aggregate/n/limit expected a whole number from 1 to 100; found 101',
        '7:68 /pipeline/3/aggregate/m/at expected a number from 0 to 1; found 2',
      ],
    ],
    [
      'in the long form have no number that means nothing',
      aggregate('n: { median: x, at: 0.9 }'),
      ['7:34 /pipeline/3/aggregate/n/at median has no at; leave it out'],
    ],
    [
      'are told at the character of their argument',
      aggregate('n: max( a.pow(2) )'),
      ['7:26 /pipeline/3/aggregate/n pow(): its last digits differ between machines; multiply'],
    ],
    [
      'in the long form are one',
      aggregate('n: { max: a, min: b }'),
      [`7:21 /pipeline/3/aggregate/n expected one of ${AGGREGATES} in an aggregate; found min and max`],
    ],
    [
      'in the long form are at least one',
      aggregate('n: { where: a }'),
      [`7:21 /pipeline/3/aggregate/n expected one of ${AGGREGATES} in an aggregate; found none`],
    ],
    [
      'in the long form have expressions',
      aggregate('n: { max: a +, where: b + }'),
      [
        '7:31 /pipeline/3/aggregate/n/max expected a value; found the end of the text',
        '7:43 /pipeline/3/aggregate/n/where expected a value; found the end of the text',
      ],
    ],
    [
      'in the long form have known names',
      aggregate('n: { max: a, wher: b }'),
      [
        `7:31 /pipeline/3/aggregate/n/wher unknown name "wher"; known here: ${AGGREGATES}, call, by, at, limit, where [did you mean "where"?]`,
      ],
    ],
    [
      'are some',
      inPlaceOf('aggregate: { n: count() }', 'aggregate: {}'),
      ['7:16 /pipeline/3/aggregate expected aggregates by name, such as { flights: count() }; found an object'],
    ],
  ])
})

describe('pointers', () => {
  check([
    [
      'are escaped as RFC 6901 says',
      inPlaceOf('keyBy: origin', 'compute: { a/b~c: d + }'),
      ['5:26 /pipeline/1/compute/a~1b~0c expected a value; found the end of the text'],
    ],
  ])
})

const STEPS = '  - window: { tumbling: 1d }\n  - aggregate: { n: count() }\n'

describe('steps', () => {
  const order =
    'expected filter, map and other steps of single records first, then keyBy, then window or a step in its place, then aggregate'
  check([
    [
      'have an order',
      inPlaceOf(STEPS, '  - window: { tumbling: 1d }\n  - filter: delay > 1\n  - aggregate: { n: count() }\n'),
      [`7:5 /pipeline/3/filter ${order}; found filter after window`],
    ],
    [
      'are not repeated where once is enough',
      inPlaceOf('keyBy: origin', 'keyBy: a\n  - keyBy: b'),
      ['6:5 /pipeline/2/keyBy expected keyBy once in a stage; this is the second'],
    ],
    [
      'of a window need aggregates',
      inPlaceOf('  - aggregate: { n: count() }\n', ''),
      [
        '6:5 /pipeline/2/window window needs aggregate as well; there is none in this pipeline [add a step, such as aggregate: { n: count() }]',
      ],
    ],
    [
      'of aggregates need a window',
      inPlaceOf('  - window: { tumbling: 1d }\n', ''),
      [
        '6:5 /pipeline/2/aggregate aggregate needs window as well; there is none in this pipeline [add a step, such as window: { tumbling: 1d }]',
      ],
    ],
    [
      'are one an item',
      inPlaceOf('keyBy: origin', 'keyBy: origin\n    filter: a'),
      ['5:5 /pipeline/1 expected one step, such as filter, map, keyBy, window or aggregate; found filter and keyBy'],
    ],
    [
      'are known',
      inPlaceOf('keyBy', 'groupBy'),
      [
        '5:5 /pipeline/1/groupBy unknown name "groupBy"; known here: filter, map, compute, project, drop, rename, cast, explode, time, keyBy, window, rolling, dedupe, changes, pattern, aggregate',
      ],
    ],
    [
      'are objects',
      inPlaceOf('keyBy: origin', 'keyBy'),
      ['5:5 /pipeline/1 expected one step, such as filter, map, keyBy, window or aggregate; found "keyBy"'],
    ],
    [
      'have something in them',
      inPlaceOf('keyBy: origin', 'keyBy:'),
      ['5:11 /pipeline/1/keyBy expected a key: an expression, or a list of expressions; found nothing'],
    ],
  ])
})

describe('steps beside other faults', () => {
  check([
    [
      'have their order looked at',
      edited(['  - window: { tumbling: 1d }\n', ''], ['n: count()', 'n: count(a +)']),
      [
        '6:5 /pipeline/2/aggregate aggregate needs window as well; there is none in this pipeline [add a step, such as window: { tumbling: 1d }]',
        '6:30 /pipeline/2/aggregate/n expected a value; found ")"',
      ],
    ],
  ])
})

describe('steps over records in order', () => {
  check([
    [
      'that pass records on have no aggregates',
      inPlaceOf('window: { tumbling: 1d }', 'changes: { of: delay }'),
      [
        '7:5 /pipeline/3/aggregate changes passes records on as they are, so there is nothing to aggregate [leave aggregate out]',
      ],
    ],
    [
      'that make rows have aggregates',
      inPlaceOf(STEPS, '  - rolling: { last: 3 }\n'),
      [
        '6:5 /pipeline/2/rolling rolling needs aggregate as well; there is none in this pipeline [add a step, such as aggregate: { n: count() }]',
      ],
    ],
    [
      'are one in a stage',
      inPlaceOf('window: { tumbling: 1d }', 'window: { tumbling: 1d }\n  - rolling: { last: 3 }'),
      [
        '7:5 /pipeline/3/rolling expected one of window, rolling, dedupe, changes, pattern in a stage; found rolling after window',
      ],
    ],
    [
      'end somewhere',
      inPlaceOf('window: { tumbling: 1d }', 'rolling: { last: 3, within: 1h }'),
      [
        '6:14 /pipeline/2/rolling expected last or within, such as { last: 10 } or { within: 5m }; found last and within',
      ],
    ],
    [
      'compare what can be compared',
      inPlaceOf(STEPS, '  - dedupe: { by: id ==, within: 1h }\n'),
      ['6:24 /pipeline/2/dedupe/by expected a value; found the end of the text'],
    ],
    [
      'say for how long',
      inPlaceOf(STEPS, '  - dedupe: { by: id }\n'),
      [`6:5 /pipeline/2/dedupe/within "within" is missing; ${DURATION}, at least 1ms, at most 520w`],
    ],
  ])
})

const pattern = (inside: string): string => inPlaceOf(STEPS, `  - pattern: { ${inside} }\n`)

describe('patterns', () => {
  check([
    [
      'have stages',
      pattern('within: 1m'),
      ['6:5 /pipeline/2/pattern/stages "stages" is missing; expected a list of 1 to 32 stages'],
    ],
    [
      'have names of their own for stages',
      pattern('stages: [{ name: a }, { name: a }]'),
      ['6:46 /pipeline/2/pattern/stages/1/name "a" is a stage already [choose another name]'],
    ],
    [
      'begin with a record',
      pattern('stages: [{ name: a, negated: true }, { name: b }]'),
      ['6:45 /pipeline/2/pattern/stages/0/negated a pattern begins with a record that comes [put a stage before it]'],
    ],
    [
      'that end with what must not come have a time',
      pattern('stages: [{ name: a }, { name: b, negated: true }]'),
      [
        '6:38 /pipeline/2/pattern/stages/1 a pattern that ends with what must not come needs a time for that [add within: 1m to the pattern]',
      ],
    ],
    [
      'do not count what must not come',
      pattern('stages: [{ name: a }, { name: b, negated: true, times: 2 }, { name: c }]'),
      ['6:64 /pipeline/2/pattern/stages/1/times a negated stage takes no record [leave times out]'],
    ],
    [
      'have an end of loops only',
      pattern('stages: [{ name: a, until: b }]'),
      [
        '6:36 /pipeline/2/pattern/stages/0/until until ends a stage that takes as many records as there are, and this one takes so many [leave until out]',
      ],
    ],
    [
      'skip in a way that there is',
      pattern('stages: [{ name: a }], afterMatch: skip'),
      [
        '6:51 /pipeline/2/pattern/afterMatch expected skipPastLast, skipToNext, noSkip, { skipToFirst: NAME } or { skipToLast: NAME }; found "skip"',
      ],
    ],
    [
      'skip to a stage that takes records',
      pattern('stages: [{ name: a }], afterMatch: { skipToLast: b }'),
      ['6:51 /pipeline/2/pattern/afterMatch "b" is no stage that takes records [name one of a]'],
    ],
    [
      'have groups from one stage to a later one',
      pattern('stages: [{ name: a }, { name: b }], groups: [{ from: b, to: a, oneOrMore: true }]'),
      ['6:76 /pipeline/2/pattern/groups/0/to "a" comes before "b" [exchange from and to]'],
    ],
    [
      'have groups of stages that there are, and that take records',
      pattern('stages: [{ name: a }, { name: n, negated: true }, { name: b }], groups: [{ from: n, to: x, times: 2 }]'),
      [
        '6:97 /pipeline/2/pattern/groups/0/from "n" is no stage that takes records [name one of a, b]',
        '6:104 /pipeline/2/pattern/groups/0/to "x" is no stage that takes records [name one of a, b]',
      ],
    ],
    [
      'have groups that are apart, or one in the other',
      pattern(
        'stages: [{ name: a }, { name: b }, { name: c }], groups: [{ from: b, to: c, times: 2 }, { from: a, to: b, times: 2 }]',
      ),
      [
        '6:112 /pipeline/2/pattern/groups/1/from the group from "a" to "b" has stages of the one from "b" to "c", and neither is in the other [let them be apart, or one in the other]',
      ],
    ],
    [
      'have a record in each round that no group which may be missing has',
      pattern(
        'stages: [{ name: a, optional: true }, { name: b }], groups: [{ from: a, to: b, times: 2 }, { from: b, to: b, optional: true }]',
      ),
      [
        '6:85 /pipeline/2/pattern/groups/0/from each stage of the group may be missing, and a round has at least one record [make one of them not optional]',
      ],
    ],
    [
      'have groups whose rounds begin apart',
      pattern(
        'stages: [{ name: a }, { name: b }, { name: c, optional: true }], groups: [{ from: a, to: c, times: 2 }, { from: a, to: b, oneOrMore: true }]',
      ),
      [
        '6:89 /pipeline/2/pattern/groups behind "b", a record of "a" could begin a round of two groups, one in the other, and each match would be there twice [let one of the two come once, or give the outer one a stage of its own before or behind the inner one]',
      ],
    ],
    [
      'have a record in each round',
      pattern('stages: [{ name: a, optional: true }, { name: b }], groups: [{ from: a, to: a, times: 2 }]'),
      [
        '6:85 /pipeline/2/pattern/groups/0/from each stage of the group may be missing, and a round has at least one record [make one of them not optional]',
      ],
    ],
    [
      'say how often a group comes',
      pattern('stages: [{ name: a }, { name: b }], groups: [{ from: a, to: b }]'),
      ['6:61 /pipeline/2/pattern/groups/0 expected a group with times, oneOrMore or optional; found an object'],
    ],
    [
      'are greedy where there is more than one way',
      pattern('stages: [{ name: a, greedy: true }, { name: b, oneOrMore: true, greedy: true }]'),
      [
        '6:36 /pipeline/2/pattern/stages/0/greedy greedy is for a stage that takes several records or may be missing [leave greedy out]',
      ],
    ],
    [
      'are greedy where a stage comes behind',
      pattern('stages: [{ name: a }, { name: b, oneOrMore: true, greedy: true }]'),
      [
        '6:66 /pipeline/2/pattern/stages/1/greedy no stage comes behind it that could take its records [leave greedy out]',
      ],
    ],
    [
      'read stages that take records',
      pattern('stages: [{ name: a, where: count(b) > 1 }]'),
      ['6:43 /pipeline/2/pattern/stages/0/where count(): expected a stage that takes records (a) or a field of one'],
    ],
    [
      'say what they say in expressions',
      pattern('stages: [{ name: a }], select: { n: a.x + }'),
      ['6:57 /pipeline/2/pattern/select/n expected a value; found the end of the text'],
    ],
    [
      'have no aggregates',
      inPlaceOf('window: { tumbling: 1d }', 'pattern: { stages: [{ name: a }] }'),
      [
        '7:5 /pipeline/3/aggregate pattern makes rows of its matches, so there is nothing to aggregate [leave aggregate out]',
      ],
    ],
  ])
})

describe('windows', () => {
  check([
    [
      'that hop need a step',
      window('hopping: 1d'),
      [`6:5 /pipeline/2/window/every "every" is missing; ${DURATION}, at least 1ms, at most 520w`],
    ],
    [
      'that tumble have none',
      window('tumbling: 1d, every: 1h'),
      ['6:29 /pipeline/2/window/every unknown name "every"; known here: tumbling, offset, allowedLateness, emit'],
    ],
    [
      'do not hold a record in endless copies',
      window('hopping: 1d, every: 1s'),
      [
        '6:35 /pipeline/2/window/every expected a record to be in at most 1440 windows; it would be in 86400 [choose a longer step]',
      ],
    ],
    [
      'are moved by less than their step',
      window('hopping: 1d, every: 1h, offset: 1h'),
      [
        '6:47 /pipeline/2/window/offset expected an offset shorter than the step from one window to the next; found "1h"',
      ],
    ],
    [
      'are of a known kind',
      window('sesion: 1h'),
      [
        '6:15 /pipeline/2/window/sesion unknown name "sesion"; known here: session, allowedLateness, emit [did you mean "session"?]',
      ],
    ],
    [
      'of sessions have no places that could be moved',
      window('session: 1h, offset: 5m'),
      ['6:28 /pipeline/2/window/offset unknown name "offset"; known here: session, allowedLateness, emit'],
    ],
    [
      'of a calendar are periods that it has',
      window('calendar: quarter'),
      ['6:25 /pipeline/2/window/calendar expected "day", "week" or "month"; found "quarter"'],
    ],
    [
      'of a calendar are in a zone that there is',
      window('calendar: day, zone: Europe/Bonn'),
      [
        '6:36 /pipeline/2/window/zone expected the IANA name of a time zone, such as Europe/Berlin or UTC; found "Europe/Bonn"',
      ],
    ],
    [
      'of a calendar are in a zone that is no offset',
      window('calendar: day, zone: "+02:00"'),
      [
        '6:36 /pipeline/2/window/zone expected the IANA name of a time zone, such as Europe/Berlin or UTC; found "+02:00"',
      ],
    ],
    [
      'of sessions have a gap',
      window('session: 0s'),
      [`6:24 /pipeline/2/window/session ${DURATION}, at least 1ms, at most 520w; found "0s"`],
    ],
    [
      'of records hold some',
      window('count: 0'),
      ['6:22 /pipeline/2/window/count expected a whole number of records from 1 to 1000000; found 0'],
    ],
    [
      'of records do not overlap without end',
      window('count: 100000, slide: 1'),
      [
        '6:37 /pipeline/2/window/slide expected a record to be in at most 1440 windows; it would be in 100000 [choose a longer slide]',
      ],
    ],
    [
      'that slide have no slide',
      window('sliding: 5s, slide: 2'),
      ['6:28 /pipeline/2/window/slide unknown name "slide"; known here: sliding, allowedLateness'],
    ],
    [
      'are emitted in a way that there is',
      window('tumbling: 1d, emit: onupdate'),
      ['6:35 /pipeline/2/window/emit expected onClose, onUpdate, { every: 10s } or { count: 100 }; found "onupdate"'],
    ],
    [
      'are emitted on one grid',
      window('tumbling: 1d, emit: { every: 10s, count: 3 }'),
      ['6:35 /pipeline/2/window/emit expected every or count; found every and count'],
    ],
    [
      'of all time need a reason for a row',
      window('global: true'),
      [
        '4:3 /pipeline a global window closes where its source ends, and this one does not end: no row would ever come [add emit to the window, such as { global: true, emit: onUpdate }, or bounded: true to the source]',
      ],
    ],
    [
      'of all time are not closed by silence',
      edited(['topic: flights', 'topic: flights, onIdle: close'], ['tumbling: 1d', 'global: true, emit: onUpdate']),
      [
        '2:35 /source/onIdle silence would close the global window, and every later record would be late [write emit or wait]',
      ],
    ],
    [
      'are objects',
      inPlaceOf('window: { tumbling: 1d }', 'window: 1d'),
      [
        '6:13 /pipeline/2/window expected a window: { tumbling: … }, { hopping: …, every: … }, { session: … }, { calendar: …, zone: … }, { global: true, emit: … }, { count: … } or { sliding: … }; found "1d"',
      ],
    ],
  ])
})

describe('sinks with conditions', () => {
  const sinks = (text: string) => inPlaceOf('{ kafka: { topic: results } }', text)
  check([
    ['take rows by their names', sinks('{ kafka: { topic: a }, where: n > 3 && final && key != "b" }'), []],
    [
      'know the names of rows',
      sinks('{ kafka: { topic: a }, where: delay > 3 }'),
      [
        '8:40 /sinks/0/where the rows here have no "delay"; they have n, final, key, origin, revision, window.end, window.start',
      ],
    ],
    [
      'are sinks',
      sinks('{ where: n > 3 }'),
      ['8:10 /sinks/0 expected one sink: kafka, mongodb, s3 or file; found none'],
    ],
    [
      'are one sink each',
      sinks('{ kafka: { topic: a }, file: { directory: b }, where: n > 3 }'),
      ['8:10 /sinks/0 expected one sink: kafka, mongodb, s3 or file; found kafka and file'],
    ],
    [
      'are not for dead letters',
      `${edited()}deadLetters: { kafka: { topic: dead }, where: n > 3 }\n`,
      ['10:40 /deadLetters/where unknown name "where"; known here: kafka, mongodb, s3, file'],
    ],
  ])
})

describe('steps behind the aggregates', () => {
  const after = (steps: string) => inPlaceOf('aggregate: { n: count() }', `aggregate: { n: count() }\n${steps}`)
  check([
    [
      'see the rows',
      after('  - filter: n > 1 && key != "a" && origin != "b" && window.end > 0 && final\n  - map: { m: n / 2 }'),
      [],
    ],
    [
      'use names that rows have',
      after('  - filter: delay > 1'),
      [
        '8:13 /pipeline/4/filter the rows here have no "delay"; they have n, final, key, origin, revision, window.end, window.start',
      ],
    ],
    [
      'use names that earlier ones made, and not those that they took',
      after('  - map: { flights: n }\n  - filter: flights > 1 && n > 1'),
      [
        '9:28 /pipeline/5/filter the rows here have no "n"; they have flights, final, key, origin, revision, window.end, window.start',
      ],
    ],
    [
      'leave alone what every row has',
      after('  - compute: { key: n }\n  - drop: [window]'),
      [
        '8:16 /pipeline/4/compute/key every row has a field "key" of its own; choose another name',
        '9:5 /pipeline/5/drop every row has its "window"; it stays as it is',
      ],
    ],
    [
      'make no more rows',
      after('  - explode: { list: "[n]", as: m }'),
      ['8:5 /pipeline/4/explode a row of a window cannot become several; explode stands before the window'],
    ],
  ])
})

describe('sources', () => {
  check([
    [
      'are topics',
      source('topic: a/b'),
      ['2:18 /source/topic expected a topic name of 1 to 249 letters, digits, ".", "_" and "-"; found "a/b"'],
    ],
    [
      'are not internal topics',
      source('topic: __consumer_offsets'),
      ['2:18 /source/topic topics that begin with "quorate-" or "__" are internal; found "__consumer_offsets"'],
    ],
    [
      'have one format',
      source('topic: t, format: avro'),
      [
        '2:29 /source/format expected "json", "yaml", "toml", "msgpack", or avro or protobuf with a schema; found "avro"',
      ],
    ],
    [
      'begin at one of two places',
      source('topic: t, from: 2020-01-01'),
      ['2:27 /source/from expected "earliest" or "latest"; found "2020-01-01"'],
    ],
    [
      'have records',
      source('topic: t, from: latest, bounded: true'),
      [
        '2:27 /source/from a bounded source that begins at the latest offset has no records [begin at the earliest, or leave bounded out]',
      ],
    ],
    [
      'say true or false as YAML 1.2 does',
      source('topic: t, bounded: yes'),
      ['2:30 /source/bounded expected true or false; found "yes"'],
    ],
    [
      'do three things in silence',
      source('topic: t, onIdle: stop'),
      ['2:29 /source/onIdle expected "emit", "wait" or "close"; found "stop"'],
    ],
    [
      'have time in an object',
      source('topic: t, time: date'),
      ['2:27 /source/time expected where the time stands, such as { field: date }; found "date"'],
    ],
    [
      'have time in a field',
      source('topic: t, time: { field: a..b }'),
      [
        '2:36 /source/time/field expected the name of a field such as date, or a path such as order.placedAt; found "a..b"',
      ],
    ],
    [
      'have time patterns, told at the letter',
      source('topic: t, time: { field: d, pattern: "yyyy-MM-dd QQ" }'),
      ['2:60 /source/time/pattern unknown letter "Q"; known: y M d H m s S, others in single quotes'],
    ],
    [
      'are partitioned by expressions',
      source('topic: t, partitionedBy: "a +"'),
      ['2:40 /source/partitionedBy expected a value; found the end of the text'],
    ],
  ])
})

describe('sinks', () => {
  check([
    [
      'are known',
      sink('kafak: { topic: t }'),
      ['8:12 /sinks/0/kafak unknown name "kafak"; known here: kafka, mongodb, s3, file, where [did you mean "kafka"?]'],
    ],
    [
      'are a list',
      inPlaceOf('[ { kafka: { topic: results } } ]', '{ kafka: { topic: results } }'),
      ['8:8 /sinks expected a list of sinks; found an object'],
    ],
    [
      'are not the source',
      sink('kafka: { topic: flights }'),
      ['8:10 /sinks/0 the kafka topic "flights" is the source of this job; it would read its own results'],
    ],
    [
      'are different ones',
      sink('kafka: { topic: a } }, { kafka: { topic: a }'),
      ['8:35 /sinks/1 the kafka topic "a" is a sink of this job already'],
    ],
    [
      'are none of the dead letters',
      `${GOOD}deadLetters: { kafka: { topic: results } }\n`,
      ['10:14 /deadLetters the kafka topic "results" is a sink of this job already'],
    ],
    [
      'are different buckets or prefixes, whatever the slash',
      sink('s3: { bucket: abc, prefix: a } }, { s3: { bucket: abc, prefix: a/ }'),
      ['8:46 /sinks/1 the s3 bucket "abc" with prefix "a/" is a sink of this job already'],
    ],
    [
      'are no databases of MongoDB itself',
      sink('mongodb: { database: admin, collection: c }'),
      [
        '8:33 /sinks/0/mongodb/database expected a database name of 1 to 63 letters, digits, "_" and "-"; found "admin"',
      ],
    ],
    [
      'are no collections of MongoDB itself',
      sink('mongodb: { collection: system.users }'),
      [
        '8:35 /sinks/0/mongodb/collection expected a collection name of 1 to 120 letters, digits, ".", "_" and "-", without "system." at its start; found "system.users"',
      ],
    ],
    [
      'are buckets that S3 allows',
      sink('s3: { bucket: 192.168.0.1 }'),
      [
        '8:26 /sinks/0/s3/bucket expected a bucket name of 3 to 63 lower-case letters, digits, "." and "-", as S3 allows them; found "192.168.0.1"',
      ],
    ],
    [
      'have prefixes that stay where they are',
      sink('s3: { bucket: abc, prefix: a/../b }'),
      [
        '8:39 /sinks/0/s3/prefix expected a prefix of at most 512 letters, digits and !_.*\'()-, its parts separated by single "/"; found "a/../b"',
      ],
    ],
    ...['../rows', '/etc', 'a/../b', '.quorate', 'a//b'].map((directory): Table[number] => [
      `lead down from the directory of the peer, unlike ${directory}`,
      sink(`file: { directory: ${directory} }`),
      [
        `8:31 /sinks/0/file/directory expected a relative path of at most 200 letters, digits, ".", "_" and "-", its parts separated by single "/"; found "${directory}"`,
      ],
    ]),
    [
      'are different directories',
      sink('file: { directory: a } }, { file: { directory: a }'),
      ['8:38 /sinks/1 the directory "a" is a sink of this job already'],
    ],
  ])
})

describe('quorums', () => {
  check([
    [
      'write to no more than there are',
      quorum('replicas: 3, write: 4, read: 2'),
      ['9:31 /quorum/write expected at most 3, the number of replicas; found 4'],
    ],
    [
      'read from no more than there are',
      quorum('replicas: 3, write: 2, read: 4'),
      ['9:40 /quorum/read expected at most 3, the number of replicas; found 4'],
    ],
    [
      'write to a majority',
      quorum('replicas: 4, write: 2, read: 2'),
      [
        '9:31 /quorum/write expected write to be more than half of the 4 replicas; found 2, so two groups of replicas could each certify a result of their own [write 3, or say allowForks: true; every result is marked then]',
      ],
    ],
    ['may give that up', quorum('replicas: 4, write: 2, read: 2, allowForks: true'), []],
    [
      'are small',
      quorum('replicas: 9, write: 5, read: 5'),
      ['9:21 /quorum/replicas expected a whole number from 1 to 7; found 9'],
    ],
    [
      'are whole',
      quorum('replicas: 3, write: 2.5, read: 2'),
      ['9:31 /quorum/write expected a whole number from 1 to 7; found 2.5'],
    ],
    [
      'are finite',
      quorum('replicas: 3, write: .inf, read: 1e999'),
      [
        '9:31 /quorum/write expected a whole number from 1 to 7; found Infinity',
        '9:43 /quorum/read expected a whole number from 1 to 7; found Infinity',
      ],
    ],
    [
      'are all of three numbers',
      quorum('replicas: 3, write: 2'),
      ['9:1 /quorum/read "read" is missing; expected a whole number from 1 to 7'],
    ],
    [
      'are objects',
      inPlaceOf('{ replicas: 3, write: 2, read: 2 }', 'majority'),
      ['9:9 /quorum expected a quorum such as { replicas: 3, write: 2, read: 2 }; found "majority"'],
    ],
  ])
})

describe('shuffles', () => {
  const out = '[leave shuffle out]'
  check([
    [
      'have partitions',
      `${GOOD}shuffle: { partitions: 0 }\n`,
      ['10:24 /shuffle/partitions expected a whole number from 1 to 1024; found 0'],
    ],
    [
      'come with a window',
      edited(
        ['  - window: { tumbling: 1d }\n  - aggregate: { n: count() }\n', ''],
        ['sinks', 'shuffle: { partitions: 2 }\nsinks'],
      ),
      [`6:10 /shuffle a job without a window has no shuffle ${out}`],
    ],
    [
      'come with a key',
      edited(['  - keyBy: origin\n', ''], ['sinks', 'shuffle: { partitions: 2 }\nsinks']),
      [`7:10 /shuffle a window without keyBy has one group for everything, which is in one partition ${out}`],
    ],
    [
      'are left out where the source has the key',
      edited(
        ['topic: flights', 'topic: flights, partitionedBy: origin'],
        ['sinks', 'shuffle: { partitions: 2 }\nsinks'],
      ),
      [`8:10 /shuffle the source is partitioned by the key already, so there is no shuffle ${out}`],
    ],
  ])
})

describe('YAML', () => {
  check([
    ['is not empty', '# nothing\n', ['1:1 the document is empty; expected a name, a source, a pipeline and more']],
    ['is an object', '- 1\n', ['1:1 expected a job with name, source, pipeline, sinks and quorum; found a list']],
    ['has no tabs', inPlaceOf('  - filter', '\t- filter'), ['4:1 YAML has no tabs for indentation [write spaces]']],
    [
      'keeps its indentation',
      inPlaceOf('  - keyBy', ' - keyBy'),
      ['5:1 expected the same indentation as the lines beside it'],
    ],
    [
      'has no colon in a plain value',
      filter('a ? b : c'),
      ['4:13 found ": " within a value without quotes [put the whole value in quotes]'],
    ],
    [
      'has no quotes in the middle',
      filter('"a" == b'),
      ['4:17 found something behind the end of a value [put the whole value in quotes]'],
    ],
    [
      'has no tags',
      filter('!cancelled'),
      ['4:13 a value that begins with "!" is a tag in YAML, and tags are not allowed [put the value in quotes]'],
    ],
    [
      'has no anchors',
      inPlaceOf('delays', '&a delays'),
      ['1:7 a value that begins with "&" is an anchor in YAML, and anchors are not allowed [write the value out]'],
    ],
    [
      'has no aliases',
      inPlaceOf('delays', '*a'),
      ['1:7 a value that begins with "*" is an alias in YAML, and aliases are not allowed [write the value out]'],
    ],
    ['has no merge keys', `${GOOD}<<: { a: 1 }\n`, ['10:1 merge keys are not allowed [write the fields out]']],
    [
      'has no directives',
      `%YAML 1.2\n---\n${GOOD}`,
      ['1:1 directives such as %YAML are not allowed [remove the line]'],
    ],
    [
      'is one document',
      `---\n${GOOD}---\nname: b\n`,
      ['11:1 expected one document; a second one begins here [put it in a file of its own]'],
    ],
    ['has texts as names', aggregate('1: count()'), ['7:18 expected a text as a name [write "1" in quotes]']],
    ['closes its quotes', inPlaceOf('delays', '"delays'), ['10:1 expected a closing quote']],
    [
      'has no control characters',
      inPlaceOf('delays', 'del\u0007ays'),
      ['1:10 expected no control characters other than tabs and line ends'],
    ],
  ])

  it('may begin with --- or a byte order mark, and end its lines as Windows does', () => {
    assert.deepEqual(faultsIn(`\ufeff---\r\n${GOOD.replaceAll('\n', '\r\n')}`), [])
    assert.deepEqual(faultsIn(`${GOOD}retention: x\n`.replaceAll('\n', '\r\n'))[0]?.slice(0, 5), '10:12')
  })
})

describe('YAML within bounds', () => {
  check([
    [
      'stops at the level that is too deep',
      '['.repeat(5_000),
      ['1:35 expected at most 16 levels of nesting; found more'],
    ],
    [
      'takes a text for what it is',
      '--- |\n!x\n',
      ['1:5 expected a job with name, source, pipeline, sinks and quorum; found "!x "'],
    ],
  ])
})

describe('JSON', () => {
  check(
    [
      ['has no comma at the end', '{"name": "a",}', ['1:13 JSON has no comma before "}" [remove it]']],
      ['has double quotes', "{'name': 1}", ['1:2 JSON has no single quotes [write double quotes]']],
      [
        'has no comments',
        '{"a": 1 // x\n}',
        ['1:9 JSON has no comments [remove it, or write the document in YAML or TOML]'],
      ],
      ['ends a text on its line', '{"a": "x\ny"}', ['1:9 expected a closing quote']],
      ['has few escapes', '{"a": "\\d"}', ['1:8 JSON has no such escape [write \\\\ for a backslash]']],
      [
        'has no control characters in texts',
        '{"a": "\t"}',
        ['1:8 JSON has no control characters within a text [write \\t for a tab, \\u and four digits for others]'],
      ],
      ['has three words', '{"a": tru}', ['1:7 expected a value; found "tru"']],
      ['ends', '{"a": 1} x', ['1:10 expected nothing after the document; found "x"']],
      ['is not empty', '', ['1:1 expected a value; the document ends here']],
      ['has commas', '{"a": 1\n"b": 2}', ['2:1 expected "," or "}"; found \'"\'']],
      [
        'has names once',
        '{"name": "a", "name": "a", "source": {"topic": "t"}, "pipeline": [], "quorum": {"replicas": 1, "write": 1, "read": 1}}',
        ['1:15 "name" stands twice here; keep one of them'],
      ],
      [
        'has whole characters',
        '{"name": "a", "source": {"topic": "t"}, "pipeline": [{"filter": "a == \'\\ud800\'"}], "quorum": {"replicas": 1, "write": 1, "read": 1}}',
        ['1:65 expected Unicode text; found half of a surrogate pair'],
      ],
    ],
    'json',
  )
})

describe('TOML', () => {
  const head = 'name = "a"\npipeline = []\nquorum = { replicas = 1, write = 1, read = 1 }\n'
  check(
    [
      ['has names once', `${head}name = "b"`, ['4:1 this name stands twice here [keep one of them]']],
      ['has texts in quotes', 'name = a', ['1:8 expected a value, a name or a sign of TOML [put texts in quotes]']],
      ['closes its quotes', 'name = "a', ['1:10 expected a closing quote']],
      ['has equals signs', 'name "a"', ['1:6 expected "=" and a value after the name']],
      [
        'has inline tables on a line',
        `${head}source = {\n topic = "t" }`,
        ['5:2 TOML 1.0 has inline tables on one line only [write a [table] instead]'],
      ],
      [
        'has dates, which mean nothing here',
        `${head}[source]\ntopic = "t"\nfrom = 2020-01-01`,
        ['6:8 /source/from expected "earliest" or "latest"; found a date without quotes'],
      ],
      [
        'places what is missing at the header',
        `${head}[source]\nformat = "json"`,
        ['4:2 /source/topic "topic" is missing; expected the name of a topic'],
      ],
      [
        'places what dotted names imply at the name',
        `${head}source.topic = "t"\nsource.time.pattern = "yyyy"`,
        [
          '5:8 /source/time/field "field" is missing; expected the name of a field such as date, or a path such as order.placedAt',
        ],
      ],
      [
        'places expressions of arrays of tables',
        'name = "a"\n[quorum]\nreplicas = 1\nwrite = 1\nread = 1\n[source]\ntopic = "t"\n[[pipeline]]\nfilter = "a"\n[[pipeline]]\nfilter = \'b +\'',
        ['11:14 /pipeline/1/filter expected a value; found the end of the text'],
      ],
    ],
    'toml',
  )
})

describe('many faults', () => {
  it('are all told, in the order of the text', () => {
    const text = edited(
      ['topic: flights', 'topic: flights, from: never, form: 1'],
      ['distance > 100', 'distance >'],
      ['topic: results', 'topic: ..'],
      ['write: 2', 'write: 4'],
      ['tumbling: 1d', 'tumbling: 1d, offset: 1d'],
      ['delays', 'Delays'],
    )
    assert.deepEqual(
      faultsIn(`${text}retention: never\n`).map((fault) => fault.split(' ')[0]),
      ['1:7', '2:33', '2:40', '4:23', '6:37', '8:28', '9:31', '10:12'],
    )
  })

  it('are told up to a bound', () => {
    const many = Array.from({ length: 300 }, (_, i) => `unknown${i}: 1\n`).join('')
    assert.equal(faultsIn(GOOD + many).length, 100)
  })

  it('are summed up in the message, with the file', () => {
    assert.throws(
      () => parseJob(`${GOOD}retention: never\nx: 1\n`, 'yaml', 'jobs/delays.yaml'),
      (error: unknown) =>
        error instanceof JobInvalidError &&
        error.code === 'QRT_JOB_INVALID' &&
        error.message ===
          'jobs/delays.yaml:10:12: expected "forever", or a duration such as 10s, 1h30m or 1d; found "never" (and 1 more)',
    )
  })
})
