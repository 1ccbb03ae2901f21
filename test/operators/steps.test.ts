import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { StagePlan } from '../../operators/index.ts'
import { propertyRuns } from './property-runs.ts'
import {
  aggregate,
  deadLettersOf,
  expression,
  lines,
  rowsOfCuts,
  StageRun,
  stagePlan,
  type TestRecord,
} from './stage-harness.ts'

type Step = StagePlan['steps'][number]

const { window: _window, keyBy: _keyBy, ...unwindowed } = stagePlan({ aggregates: [] })

function run(steps: readonly Step[], records: readonly TestRecord[], changes: Partial<StagePlan> = {}): StageRun {
  const made = new StageRun({ ...unwindowed, steps, ...changes })
  made.feed(...records)
  made.decide('final')
  return made
}

const values = (made: StageRun) => rowsOfCuts(made.cuts).map(({ value }) => value)
const letters = (made: StageRun) =>
  deadLettersOf(made.cuts).map(({ b, revision, value }) => `${b}/${revision} ${JSON.parse(value).error}`)

const explode = (list: string, as: string, index?: string): Step => ({
  kind: 'explode',
  list: expression(list),
  as,
  ...(index === undefined ? {} : { index }),
})
const filter = (where: string): Step => ({ kind: 'filter', where: expression(where) })

describe('project', () => {
  it('keeps the named fields, and a record without one of them is a dead letter', () => {
    const made = run(
      [{ kind: 'project', fields: ['a', 'odd name'] }],
      [
        { t: 1, a: { x: 1 }, b: 2, 'odd name': null },
        { t: 2, a: 1 },
      ],
    )
    assert.deepEqual(values(made), ['{"a":{"x":1},"odd name":null}'])
    assert.deepEqual(letters(made), ['1/0 QRT_EXPR_MISSING_FIELD'])
  })

  it('is seen by later steps: what is gone is missing', () => {
    const made = run([{ kind: 'project', fields: ['a'] }, filter('has(b) || a.x == 1')], [{ t: 1, a: { x: 1 }, b: 2 }])
    assert.deepEqual(values(made), ['{"a":{"x":1}}'])
  })
})

describe('drop', () => {
  it('takes fields away where they are', () => {
    const made = run([{ kind: 'drop', fields: ['b', 'c'] }, filter('!has(b)')], [{ t: 1, a: 1, b: 2 }, { t: 2 }])
    assert.deepEqual(values(made), ['{"a":1,"t":1}', '{"t":2}'])
  })
})

describe('rename', () => {
  it('gives all fields their new names at once, so that two can change places', () => {
    const made = run(
      [{ kind: 'rename', fields: { a: 'b', b: 'a' } }, filter('a == 2 && b.x == 1')],
      [{ t: 1, a: { x: 1 }, b: 2 }],
    )
    assert.deepEqual(values(made), ['{"a":2,"b":{"x":1},"t":1}'])
  })

  it('leaves nothing under the old name', () => {
    const made = run([{ kind: 'rename', fields: { b: 'a' } }, filter('has(a)')], [{ t: 1, a: 1 }])
    assert.deepEqual(values(made), [])
    assert.deepEqual(letters(made), [])
  })
})

describe('cast', () => {
  const cast = (type: 'integer' | 'number' | 'text' | 'boolean', ...given: readonly string[]) => {
    const made = run(
      [
        { kind: 'cast', fields: { v: type } },
        { kind: 'project', fields: ['v'] },
      ],
      given.map((v) => `{"t":1,"v":${v}}`),
    )
    return [...values(made).map((value) => value.slice(5, -1)), ...letters(made).map((letter) => letter.slice(0, 3))]
  }

  it('to an integer is exact, at any size', () => {
    assert.deepEqual(cast('integer', '1', '"9007199254740993"', '-2.0', 'null'), [
      '1',
      '9007199254740993',
      '-2',
      'null',
    ])
    assert.deepEqual(cast('integer', '1.5', '"x"', 'true', '[]'), ['0/0', '1/0', '2/0', '3/0'])
  })

  it('to a number reads JSON numbers', () => {
    assert.deepEqual(cast('number', '"1.50"', '9007199254740993', '"-0"'), ['1.5', '9007199254740993', '0'])
    assert.deepEqual(cast('number', '"1e999"', '"0x10"', '""', 'false'), ['0/0', '1/0', '2/0', '3/0'])
  })

  it('to a text writes canonical JSON', () => {
    assert.deepEqual(cast('text', '1.50', 'true', '"a"', '9007199254740993'), [
      '"1.5"',
      '"true"',
      '"a"',
      '"9007199254740993"',
    ])
    assert.deepEqual(cast('text', '{}', '[]'), ['0/0', '1/0'])
  })

  it('to a boolean takes true, false, 1 and 0', () => {
    assert.deepEqual(cast('boolean', 'true', '"false"', '1', '0'), ['true', 'false', 'true', 'false'])
    assert.deepEqual(cast('boolean', '2', '"yes"'), ['0/0', '1/0'])
  })
})

describe('explode', () => {
  it('makes a row of each item, with its index as part of the identity', () => {
    const made = run(
      [explode('order.items', 'item', 'place')],
      [
        { t: 1, order: { items: ['a', { b: 1 }] } },
        { t: 2, order: { items: [] } },
        { t: 3, order: { items: [null] } },
      ],
      { keyBy: [expression('place')] },
    )
    assert.deepEqual(
      rowsOfCuts(made.cuts).map(({ b, revision, key, value }) => [b, revision, key, JSON.parse(value).item]),
      [
        [0, 0, '0', 'a'],
        [0, 1, '1', { b: 1 }],
        [2, 0, '0', null],
      ],
    )
  })

  it('goes on after an item that later steps cannot take: each has a dead letter of its own', () => {
    const steps = [explode('items', 'n'), filter('n != 2'), { kind: 'project', fields: ['n'] } satisfies Step]
    const made = run([...steps, filter('n < 9')], [{ t: 1, items: [1, 2, 'x', 4] }, { t: 1, items: 7 }, { t: 1 }])
    assert.deepEqual(values(made), ['{"n":1}', '{"n":4}'])
    assert.deepEqual(
      rowsOfCuts(made.cuts).map(({ revision }) => revision),
      [0, 3],
    )
    assert.deepEqual(letters(made), ['0/2 QRT_EXPR_TYPE', '1/0 QRT_EXPR_TYPE', '2/0 QRT_EXPR_MISSING_FIELD'])
  })

  it('counts items in windows of the time of their record', () => {
    const plan = stagePlan({ steps: [explode('items', 'k')], aggregates: [aggregate('n', 'count')] })
    const made = new StageRun(plan)
    made.feed({ t: 1, items: ['a', 'b', 'a'] }, { t: 12, items: ['b'] }, { t: 3, items: ['a', 'b'] })
    made.decide('final')
    assert.deepEqual(lines(made.cuts), [
      '[0,10) "a" n=2 r0 final',
      '[0,10) "b" n=1 r0 final',
      '[10,20) "b" n=1 r0 final',
    ])
    assert.deepEqual(letters(made), ['2/0 QRT_RECORD_LATE', '2/1 QRT_RECORD_LATE'])
  })

  it('takes 10,000 items of a record, and says of which record it left the rest', () => {
    const list = Array.from({ length: 200 }, (_, i) => i)
    const made = run(
      [explode('l', 'a'), explode('l', 'b')],
      [
        { t: 1, l: list },
        { t: 2, l: [1] },
      ],
    )
    const rows = rowsOfCuts(made.cuts)
    assert.ok(rows.length > 9_900 && rows.length < 10_000)
    assert.deepEqual(letters(made), [`0/${rows.length - 1} QRT_RECORD_ITEMS`])
    assert.equal(rows.at(-1)?.b, 1)
  })

  it('gives what two loops give', () => {
    const item = fc.record({ n: fc.nat(9), tags: fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 3 }) })
    fc.assert(
      fc.property(fc.array(fc.array(item, { maxLength: 4 }), { maxLength: 5 }), (orders) => {
        const records = orders.map((items) => ({ t: 1, items }))
        const steps = [explode('items', 'item'), filter('item.n > 2'), explode('item.tags', 'tag', 'i')]
        const made = run([...steps, { kind: 'project', fields: ['i', 'tag'] }], records)
        const twin = orders.flatMap((items) =>
          items.filter(({ n }) => n > 2).flatMap(({ tags }) => tags.map((tag, i) => JSON.stringify({ i, tag }))),
        )
        assert.deepEqual(values(made), twin)
        assert.deepEqual(letters(made), [])
      }),
      { seed: 20_260_501, numRuns: propertyRuns(200) },
    )
  })
})

describe('keys', () => {
  it('can be several, and nested', () => {
    const keyBy = [expression('user.id'), expression('user.address.city')]
    const made = new StageRun(stagePlan({ keyBy }))
    made.feed({ t: 1, user: { id: 9007199254740991, address: { city: 'Köln' } } })
    made.decide('final')
    assert.deepEqual(lines(made.cuts), ['[0,10) [9007199254740991,"Köln"] n=1 r0 final'])
  })
})
