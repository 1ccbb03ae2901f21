/** The successor of a term, against a twin that tries out what the members that were not heard may have voted. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { type Seal, sealsNeeded, successor } from '../../../mesh/agreement/term.ts'
import type { DecisionKind, OpenCut, Term } from '../../../mesh/agreement/types.ts'
import type { Digest, PeerId, UnitId } from '../../../mesh/ids.ts'

const UNIT = 'job-1:0:0' as UnitId
const RUNS = { numRuns: 2_000, seed: 4_711 }
const member = (index: number): PeerId => String.fromCharCode(97 + index).repeat(32) as PeerId
const digest = (letter: string): Digest => letter.repeat(64) as Digest

const termOf = (members: number, write: number, rest: Partial<Term> = {}): Term => ({
  unit: UNIT,
  number: 7,
  view: 3,
  members: Array.from({ length: members }, (_, index) => member(index)),
  write,
  base: undefined,
  open: [],
  floor: 0,
  ...rest,
})

/** What one member voted at positions 1, 2, 3: a letter each, or nothing from some position on. */
type Ballots = readonly (string | undefined)[]

const seal = (ballots: Ballots, offset = 0): Seal => ({
  frontier: undefined,
  votes: ballots.flatMap((letter, index) =>
    letter === undefined ? [] : [{ seq: index + 1, part: 0, digest: digest(letter), offset: 10 * (index + 1) }],
  ),
  offset,
})

const letters = fc.constantFrom('a', 'b', 'c', undefined)
const situation = fc
  .integer({ min: 1, max: 5 })
  .chain((members) =>
    fc.record({
      members: fc.constant(members),
      write: fc.integer({ min: Math.floor(members / 2) + 1, max: members }),
      votes: fc.array(fc.tuple(letters, letters, letters), { minLength: members, maxLength: members }),
      order: fc.shuffledSubarray(
        Array.from({ length: members }, (_, index) => index),
        { minLength: members, maxLength: members },
      ),
      extra: fc.nat({ max: members }),
    }),
  )
  .map(({ members, write, votes, order, extra }) => {
    const heard = order.slice(0, Math.min(members, sealsNeeded(members, write) + extra))
    return { term: termOf(members, write), votes, heard }
  })

const names = (open: readonly OpenCut[]): string[] => open.map(({ seq, digest }) => `${seq}${digest[0]}`).sort()

describe('the cuts that a successor leaves open', () => {
  it('are all that the votes seen and any votes of the unheard could have certified, and no others', () => {
    fc.assert(
      fc.property(situation, ({ term, votes, heard }) => {
        const seals = new Map(heard.map((index) => [member(index), seal(votes[index]!)]))
        const unheard = term.members.length - heard.length
        const possible = [1, 2, 3].flatMap((seq) =>
          ['a', 'b', 'c']
            .filter((letter) => {
              const seen = heard.filter((index) => votes[index]![seq - 1] === letter).length
              // A digest that nobody heard voted for cannot have W votes: W is more than the unheard.
              return seen > 0 && seen + unheard >= term.write
            })
            .map((letter) => `${seq}${letter}`),
        )
        assert.deepEqual(names(successor(term, seals, undefined).open), possible.sort())
      }),
      RUNS,
    )
  })

  it('hold whatever was really certified, whoever was heard', () => {
    fc.assert(
      fc.property(situation, ({ term, votes, heard }) => {
        const { open } = successor(term, new Map(heard.map((index) => [member(index), seal(votes[index]!)])), undefined)
        for (const seq of [1, 2, 3]) {
          for (const letter of ['a', 'b', 'c']) {
            const all = votes.filter((ballots) => ballots[seq - 1] === letter).length
            if (all >= term.write) assert.ok(names(open).includes(`${seq}${letter}`))
          }
        }
      }),
      RUNS,
    )
  })

  it('stay those of earlier terms, until the chain has passed them or they are disproved', () => {
    const older: OpenCut = { seq: 2, part: 0, digest: digest('f'), offset: 20, term: 5 }
    const term = termOf(3, 2, { open: [older] })
    const seals = new Map([0, 1, 2].map((index) => [member(index), seal([])]))
    assert.deepEqual(successor(term, seals, undefined).open, [older])
    const disproved = { isDisproved: (cut: OpenCut) => cut === older, unheard: () => [], isLost: () => false }
    assert.deepEqual(successor(term, seals, undefined, disproved).open, [])
    const frontier = { seq: 2, part: 0, last: true, digest: digest('a'), offset: 25 }
    seals.set(member(1), { ...seal([]), frontier })
    const next = successor(term, seals, undefined)
    assert.deepEqual(next.open, [])
    assert.deepEqual(next.base, frontier)
  })

  it('are given up by an order only where nobody else than the lost could say more', () => {
    const older: OpenCut = { seq: 1, part: 0, digest: digest('f'), offset: 20, term: 5 }
    const term = termOf(3, 2, { open: [older] })
    const seals = new Map([0, 1].map((index) => [member(index), seal([])]))
    const settled = (unheard: readonly PeerId[], settle: readonly PeerId[]) =>
      successor(term, seals, { settle }, { isDisproved: () => false, unheard: () => unheard, isLost: () => false })
    const lost = member(20)
    assert.deepEqual(settled([lost, member(2)], [lost]).open, [older])
    const given = settled([lost], [lost])
    assert.deepEqual(given.open, [])
    assert.equal(given.forced, true)
  })

  it('are kept against an order where those who were heard may certify them', () => {
    const settled = (votes: number) => {
      const seals = new Map([0, 1].map((index) => [member(index), seal(index < votes ? ['a'] : [])]))
      return successor(termOf(3, 2), seals, { settle: [member(2)] })
    }
    assert.deepEqual(names(settled(1).open), [])
    assert.deepEqual([names(settled(2).open), settled(2).forced], [['1a'], undefined])
  })
})

describe('what is decided after a skipped record', () => {
  it('is behind the record, though nobody has passed it yet', () => {
    const stuck = new Map([0, 1, 2].map((index) => [member(index), { ...seal([], 9), stuck: true as const }]))
    const skipped = successor(termOf(3, 2), stuck, { decision: { kind: 'skip', offset: 9 } })
    assert.deepEqual(skipped.decision, { kind: 'skip', offset: 9 })
    const paused = successor(skipped, stuck, { decision: { kind: 'pause', offset: 0 } })
    assert.equal(paused.pausedAt, 10)
  })
})

describe('what is decided after a gap', () => {
  //   read up to 41 │ gone │ 46 records begin again
  it('is where records begin again, though nobody is there yet', () => {
    const stuck = new Map([0, 1, 2].map((index) => [member(index), { ...seal([], 41), stuck: true as const }]))
    const decision = { kind: 'gap', offset: 41, value: 46, snapshot: null, floor: null } as const
    const gone = successor(termOf(3, 2), stuck, { decision })
    assert.equal(gone.decision?.value, 46)
    assert.equal(successor(gone, stuck, { decision: { kind: 'pause', offset: 0 } }).pausedAt, 46)
  })
})

describe('a dispute', () => {
  const older: OpenCut = { seq: 1, part: 0, digest: digest('a'), offset: 10, term: 5 }
  const sealed = (letters: readonly string[]) =>
    new Map(letters.map((letter, index) => [member(index), seal([letter])]))

  it('is told of a cut that an earlier term left open too, which stays open', () => {
    const { dispute, open } = successor(termOf(3, 3, { open: [older] }), sealed(['a', 'a', 'b']), undefined)
    assert.deepEqual([dispute?.seq, dispute?.times, open], [1, 1, [older]])
  })

  it('is none where a value may have won in this term', () => {
    assert.equal(successor(termOf(3, 2, { open: [older] }), sealed(['a', 'a', 'b']), undefined).dispute, undefined)
  })
})

describe('a gap', () => {
  const frontier = { seq: 1, part: 0, last: true, digest: digest('a'), offset: 64 }
  const open: OpenCut = { seq: 2, part: 0, digest: digest('f'), offset: 70, term: 5 }
  const stuck = { ...seal([], 41), frontier, stuck: true } as const
  const gapFrom = (offset: number) =>
    ({ decision: { kind: 'gap', offset, value: 46, snapshot: null, floor: null } }) as const
  const wish = gapFrom(frontier.offset)
  const sealed = (count: number) => new Map([0, 1, 2].slice(0, count).map((index) => [member(index), stuck]))

  it('ends behind what is certified, also where the log still has records of that', () => {
    assert.equal(successor(termOf(3, 2), sealed(2), wish).decision?.value, 64)
  })

  it('is not granted to one that did not know of all that is certified', () => {
    assert.equal(successor(termOf(3, 2), sealed(2), gapFrom(41)).decision, undefined)
  })

  it('gives up an open cut that nobody can compute again, once every member was heard', () => {
    const term = termOf(3, 2, { open: [open] })
    assert.equal(successor(term, sealed(2), wish).decision, undefined)
    const all = successor(term, sealed(3), wish)
    assert.deepEqual([all.decision?.kind, all.open, all.forced], ['gap', [], true])
  })

  it('waits for nobody whom an operator gives up with it', () => {
    const term = termOf(3, 2, { open: [open] })
    const ordered = (gone: readonly PeerId[]) => successor(term, sealed(2), { ...wish, settle: gone })
    assert.deepEqual([ordered([member(20)]).decision, ordered([member(20)]).open], [undefined, [open]])
    const { decision, open: left, forced } = ordered([member(2)])
    assert.deepEqual([decision?.kind, left, forced], ['gap', [], true])
  })

  it('gives up what only such a one can have certified in the same term, and nothing that others can', () => {
    const voted = (votes: number) =>
      new Map([0, 1].map((index) => [member(index), { ...stuck, votes: index < votes ? later : [] }]))
    const later = [{ seq: 2, part: 0, digest: digest('b'), offset: 70 }]
    const ordered = (votes: number) => successor(termOf(3, 2), voted(votes), { ...wish, settle: [member(2)] })
    assert.deepEqual([ordered(1).decision?.kind, names(ordered(1).open)], ['gap', []])
    assert.deepEqual([ordered(2).decision, names(ordered(2).open)], [undefined, ['2b']])
  })

  it('does not count on those who are given up with it', () => {
    const one = new Map([0, 1].map((index) => [member(index), index === 0 ? stuck : { ...seal([], 41), frontier }]))
    assert.equal(successor(termOf(3, 2), one, wish).decision, undefined)
    assert.equal(successor(termOf(3, 2), one, { ...wish, settle: [member(2)] }).decision?.kind, 'gap')
  })

  it('is decided after a pause, and not while it lasts', () => {
    assert.equal(successor(termOf(3, 2, { pausedAt: 64 }), sealed(3), wish).decision, undefined)
  })

  it('gives up none that its own term may still certify', () => {
    const term = termOf(3, 2, { open: [{ ...open, term: termOf(3, 2).number }] })
    const { decision, open: kept } = successor(term, sealed(3), wish)
    assert.deepEqual([decision, kept.length], [undefined, 1])
  })
})

describe('the place of a decision', () => {
  const placed = (kind: DecisionKind, offset: number, offsets: readonly number[], rest: Partial<Term> = {}) => {
    const seals = new Map(offsets.map((read, index) => [member(index), seal([], read)]))
    return successor(termOf(offsets.length, offsets.length, rest), seals, { decision: { kind, offset } })
  }

  it('is behind everything that a member has read', () => {
    assert.equal(placed('cut', 0, [4, 9, 6]).decision?.offset, 9)
    assert.equal(placed('cut', 0, [4, 9, 6], { floor: 12 }).decision?.offset, 12)
  })

  it('is none when a record came after the silence or the end that it is about', () => {
    assert.deepEqual(placed('idle', 9, [9, 9, 7]).decision, { kind: 'idle', offset: 9 })
    assert.equal(placed('idle', 9, [9, 10, 7]).decision, undefined)
    assert.equal(placed('final', 9, [9, 10, 7]).decision, undefined)
  })

  it('is where the unit is paused, whatever a member says that has not heard of the pause', () => {
    const paused = placed('pause', 0, [4, 9, 6])
    assert.equal(paused.pausedAt, 9)
    assert.equal(placed('resume', 0, [9, 14, 9], paused).decision?.offset, 9)
    assert.equal(placed('resume', 0, [9, 14, 9], paused).pausedAt, undefined)
    assert.equal(placed('idle', 14, [9, 14, 9], paused).decision, undefined)
  })

  it('of a skipped record needs so many that cannot take it that the others cannot go on', () => {
    const skip = (stuck: readonly number[], rest: Partial<Term> = {}) => {
      const seals = new Map(
        [0, 1, 2].map((index) => {
          const at = { ...seal([], 9), ...(stuck.includes(index) ? { stuck: true as const } : {}) }
          return [member(index), at]
        }),
      )
      return successor(termOf(3, 2, rest), seals, { decision: { kind: 'skip', offset: 9 } }).decision
    }
    assert.equal(skip([1]), undefined)
    assert.deepEqual(skip([1, 2]), { kind: 'skip', offset: 9 })
    // While it is paused, nothing moves its place.
    assert.equal(skip([1, 2], { pausedAt: 9 }), undefined)
  })

  //   stuck, stuck │ 9 │ read up to 14: one machine of three has the memory for the record
  it('of a skipped record is where it is, though one that cannot certify alone has taken it', () => {
    const skip = (rest: Partial<Term> = {}, unheard = 0) => {
      const seals = [
        seal(['a'], 14),
        { ...seal([], 9), stuck: true as const },
        { ...seal([], 9), stuck: true as const },
      ]
      const heard = new Map(seals.slice(unheard).map((each, index) => [member(index + unheard), each]))
      return successor(termOf(3, 2, rest), heard, { decision: { kind: 'skip', offset: 9 } }).decision
    }
    assert.deepEqual(skip(), { kind: 'skip', offset: 9 })
    assert.deepEqual(skip({}, 1), { kind: 'skip', offset: 9 })
    const beyond = { offset: 12, digest: digest('f'), seq: 2, part: 0 }
    assert.equal(skip({ base: { ...beyond, last: true } }), undefined, 'not once it is certified')
    assert.equal(skip({ open: [{ ...beyond, term: 1 }] }), undefined, 'nor where it may be')
  })
})

describe('a dispute', () => {
  const disputeOf = (votes: readonly (string | undefined)[], rest: Partial<Term> = {}) => {
    const seals = new Map(votes.map((letter, index) => [member(index), seal([letter])]))
    return successor(termOf(votes.length, 2, rest), seals, undefined).dispute
  }

  it('is there when no value can have won, with who voted for what', () => {
    assert.equal(disputeOf(['a', 'a', 'b']), undefined)
    const dispute = disputeOf(['a', 'b', 'c'])
    assert.equal(dispute?.times, 1)
    assert.deepEqual(
      dispute?.votes.map(({ digest }) => digest[0]),
      ['a', 'b', 'c'],
    )
  })

  it('counts how often it failed in a row', () => {
    const dispute = disputeOf(['a', 'b', 'c'])!
    assert.equal(disputeOf(['a', 'b', 'c'], { dispute })?.times, 2)
    assert.equal(disputeOf(['a', 'b', 'c'], { dispute: { ...dispute, seq: 9 } })?.times, 1)
  })
})

describe('the successor of a term of a restored unit', () => {
  it('says so as well, so that whoever is still of the cluster before can be told', () => {
    const seals = new Map([0, 1].map((index) => [member(index), seal([])]))
    assert.equal(successor(termOf(3, 2, { restored: 2 }), seals, undefined).restored, 2)
    assert.equal(successor(termOf(3, 2), seals, undefined).restored, undefined)
  })
})
