/** Quorums: how many replicas a unit has, how many must agree on a result, how many a read asks. */
import { z } from 'zod'
import type { QuorumPlan } from '../compiled.ts'
import { JOB_LIMITS } from '../limits.ts'
import { flag, pattern, wholeNumber } from './values.ts'
import { expects, type Reporter, report, rule, strict } from './words.ts'

const count = () => wholeNumber(`a whole number from 1 to ${JOB_LIMITS.replicas}`, 1, JOB_LIMITS.replicas)

const WHAT = 'a quorum such as { replicas: 3, write: 2, read: 2 }'

function check({ replicas, write, allowForks }: QuorumPlan, reporter: Reporter): void {
  if (write <= replicas / 2 && !allowForks) {
    report(reporter, ['write'], 'a majority', {
      sentence: `expected write to be more than half of the ${replicas} replicas; found ${write}, so two groups of replicas could each certify a result of their own`,
      suggestion: `write ${Math.floor(replicas / 2) + 1}, or say allowForks: true; every result is marked then`,
    })
  }
}

/** A whole quorum file, and what a job document may hold in place of a reference to one. */
export const quorum = () =>
  strict(WHAT, {
    replicas: count().meta({
      description: 'N: peers that compute each unit. Fewer are used while fewer are there.',
    }),
    write: count().meta({ description: 'W: replicas that must sign a result before it is written to a sink.' }),
    read: count().meta({ description: 'R: replicas that a query asks.' }),
    allowForks: flag()
      .prefault(false)
      .meta({ description: 'Accept a write of half the replicas or fewer: a split cluster may certify two results.' }),
  }).check(
    rule(['replicas', 'write', 'allowForks'], check),
    rule<QuorumPlan>(['replicas', 'write'], ({ replicas, write }, reporter) => {
      if (write > replicas) report(reporter, ['write'], `at most ${replicas}, the number of replicas`)
    }),
    rule<QuorumPlan>(['replicas', 'read'], ({ replicas, read }, reporter) => {
      if (read > replicas) report(reporter, ['read'], `at most ${replicas}, the number of replicas`)
    }),
  )

const FILE = /^(?!\/)(?![A-Za-z]:)[^\p{Cc}\\]{1,500}\.(?:yaml|yml|toml|json)$/u
const PATH = 'a relative path to a .yaml, .toml or .json file, its parts separated by "/"'

export const isQuorumFile = (path: string): boolean => FILE.test(path)

/** Resolved where the document is read from disk; a document on its way to a peer holds the quorum itself. */
const reference = () =>
  strict('a quorum file such as { file: ../quorum/majority.yaml }', {
    file: pattern(PATH, FILE).meta({
      description:
        'A quorum in a file of its own, relative to this one. It is put in its place before the job is submitted.',
      examples: ['../quorum/majority.yaml'],
    }),
  })

export const quorumOrFile = () => z.union([quorum(), reference()], expects(WHAT))
