import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { parse as parseToml, TomlDate } from 'smol-toml'
import { parse as parseYaml } from 'yaml'
import { canonicalText } from '../../mesh/index.ts'
import type { JobFormat } from '../../src/job/document.ts'
import { parseJob } from '../../src/job/parse.ts'
import { readTree } from '../../src/job/text/read.ts'
import { type Node, plainValue, type ScalarNode } from '../../src/job/text/tree.ts'
import { propertyRuns } from '../operators/property-runs.ts'
import { FORMATS, jobValue, mutationsOf, SEED, textOf } from './documents.ts'

describe('the three formats', () => {
  it('say the same: any valid job is one document in all of them', () => {
    fc.assert(
      fc.property(jobValue, (value) => {
        const [yaml, toml, json] = FORMATS.map((format) => parseJob(textOf(value, format), format, format))
        assert.deepEqual(yaml, json)
        assert.deepEqual(toml, json)
        assert.equal(canonicalText(toml), canonicalText(json))
      }),
      { seed: SEED, numRuns: propertyRuns(300) },
    )
  })

  it('give the fields of an object in any order', () => {
    fc.assert(
      fc.property(jobValue, (value) => {
        const turned = JSON.stringify(value, (_, inner) =>
          typeof inner === 'object' && inner !== null && !Array.isArray(inner)
            ? Object.fromEntries(Object.entries(inner).toReversed())
            : inner,
        )
        const document = parseJob(JSON.stringify(value), 'json', 'job')
        assert.equal(canonicalText(parseJob(turned, 'json', 'job')), canonicalText(document))
      }),
      { seed: SEED, numRuns: propertyRuns(100) },
    )
  })
})

/** The value as the tree has it, or undefined where it has a fault. */
function valueIn(text: string, format: JobFormat): unknown {
  const { root, faults } = readTree(text, format)
  return root === undefined || faults.length > 0 ? undefined : plainValue(root)
}

function attempt(parse: () => unknown): { readonly value: unknown } | undefined {
  try {
    return { value: parse() }
  } catch {
    return undefined
  }
}

const texts = (format: JobFormat) => {
  const valid = jobValue.map((value) => textOf(value, format))
  return fc.oneof(valid, mutationsOf(valid), mutationsOf(valid))
}

/** Names that the tree refuses although the format allows them. */
const special = (text: string): boolean => /__proto__|constructor|prototype|\\u|\ud800/.test(text)

describe('JSON', () => {
  it('is taken exactly where JSON.parse takes it, with the same value', () => {
    let taken = 0
    fc.assert(
      fc.property(fc.oneof(texts('json'), fc.json({ maxDepth: 5 }), mutationsOf(fc.json({ maxDepth: 5 }))), (text) => {
        const twin = attempt(() => JSON.parse(text))
        const { root, faults } = readTree(text, 'json')
        // Names twice and half characters are faults of a text that is JSON.
        assert.equal(root !== undefined, twin !== undefined)
        if (root === undefined || faults.length > 0) return
        taken += 1
        assert.deepEqual(plainValue(root), twin?.value)
      }),
      { seed: SEED, numRuns: propertyRuns(3_000) },
    )
    assert.ok(taken > 500, `${taken} texts were taken`)
  })

  it('has each scalar where its place says', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const { root } = readTree(text, 'json')
        for (const { value, start, end } of scalarsOf(root)) assert.deepEqual(JSON.parse(text.slice(start, end)), value)
      }),
      { seed: SEED, numRuns: propertyRuns(300) },
    )
  })
})

describe('TOML', () => {
  it('means what another parser says it means', () => {
    let compared = 0
    fc.assert(
      fc.property(texts('toml'), (text) => {
        const ours = valueIn(text, 'toml')
        const twin = attempt(() => parseToml(text))
        if (ours === undefined || twin === undefined || special(text)) return
        compared += 1
        assert.deepEqual(withoutDates(ours), withoutDates(twin.value))
      }),
      { seed: SEED, numRuns: propertyRuns(1_500) },
    )
    assert.ok(compared > 150, `${compared} texts were compared`)
  })

  const same = (text: string): void =>
    assert.deepEqual(valueIn(text, 'toml'), JSON.parse(JSON.stringify(parseToml(text))))

  it('has tables in any order, and tables within arrays of tables', () => {
    same('[a.b.c]\nd = 1\n[a]\ne = 2\n[a.b]\nf = 3\n')
    same('[[a]]\nb = 1\n[a.c]\nd = 2\n[[a.e]]\nf = 3\n[[a.e]]\nf = 4\n[[a]]\nb = 5\n')
    same('a.b.c = 1\na.b.d = 2\n"a b".c = [1, [2, { d.e = 3 }]]\n')
    same('a = """\none\\\n   two"""\nb = \'\'\'x\'\'\'\nc = 0x1f\nd = 1_000\ne = -0.5e3\n')
  })

  it('has each scalar where its place says', () => {
    fc.assert(
      fc.property(jobValue, (value) => {
        const text = textOf(value, 'toml')
        const { root } = readTree(text, 'toml')
        for (const { value, start, end } of scalarsOf(root)) {
          assert.deepEqual(parseToml(`x = ${text.slice(start, end)}`).x, value)
        }
      }),
      { seed: SEED, numRuns: propertyRuns(100) },
    )
  })
})

describe('YAML', () => {
  it('means what the library says it means', () => {
    let compared = 0
    fc.assert(
      fc.property(texts('yaml'), (text) => {
        const ours = valueIn(text, 'yaml')
        if (ours === undefined) return
        compared += 1
        assert.deepEqual(ours, parseYaml(text))
      }),
      { seed: SEED, numRuns: propertyRuns(1_000) },
    )
    assert.ok(compared > 150, `${compared} texts were compared`)
  })

  it('has each scalar where its place says', () => {
    fc.assert(
      fc.property(jobValue, (value) => {
        const text = textOf(value, 'yaml')
        const { root } = readTree(text, 'yaml')
        for (const { value, start, end } of scalarsOf(root)) {
          if (!/[\n|>]/.test(text.slice(start, end))) assert.deepEqual(parseYaml(text.slice(start, end)), value)
        }
      }),
      { seed: SEED, numRuns: propertyRuns(100) },
    )
  })

  it('reads JSON as JSON does', () => {
    fc.assert(
      fc.property(jobValue, (value) => {
        assert.deepEqual(parseJob(JSON.stringify(value), 'yaml', 'job'), parseJob(JSON.stringify(value), 'json', 'job'))
      }),
      { seed: SEED, numRuns: propertyRuns(50) },
    )
  })
})

function scalarsOf(node: Node | undefined): ScalarNode[] {
  if (node === undefined) return []
  if (node.kind === 'scalar') return [node]
  if (node.kind === 'list') return node.items.flatMap(scalarsOf)
  return [...node.entries.values()].flatMap(({ value }) => scalarsOf(value))
}

/** Dates of the two parsers differ in kind and precision, and mean nothing in a job. */
function withoutDates(value: unknown): unknown {
  if (value instanceof Date || value instanceof TomlDate) return 'a date'
  if (Array.isArray(value)) return value.map(withoutDates)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withoutDates(inner)]))
}
