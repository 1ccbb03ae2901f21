/** The places outside of the log: the sinks of jobs, probed as a peer does before it writes, and where checkpoints go. */
import { randomUUID } from 'node:crypto'
import { generateIdentity } from '../../mesh/index.ts'
import { createPlace } from '../checkpoint/index.ts'
import type { CheckpointSettings } from '../checkpoint/place.ts'
import type { SinkConnections, SinkTarget } from '../commit/sink.ts'
import { createSink } from '../commit/sinks/index.ts'
import type { JobDocument } from '../job/document.ts'
import { checkFacts, gatherFacts } from '../job/facts.ts'
import type { LogSettings } from '../log/log.ts'
import { type Check, milliseconds, ok } from './check.ts'
import { withLog } from './log.ts'

/** The topics that a job reads, whether they can be read as sources, and those of its sinks. */
export function topicCheck(job: JobDocument, settings: LogSettings): Check {
  const look = () =>
    withLog(settings, async (log) => {
      const facts = await gatherFacts(job, log)
      checkFacts(job, facts)
      const sizes = facts.sources.flatMap((source) => (source === undefined ? [] : [source.topic]))
      return ok(`partitions of its sources: ${sizes.map(({ name, partitions }) => `${name} ${partitions}`).join(', ')}`)
    })
  return { name: `topics of ${job.name}`, look }
}

export function sinkChecks(job: JobDocument, connections: SinkConnections, settings: LogSettings): readonly Check[] {
  const targets = [...job.sinks, ...(job.deadLetters === undefined ? [] : [job.deadLetters])]
  return targets.map((target) => ({
    name: `${target === job.deadLetters ? 'dead letters' : 'sink'} of ${job.name}: ${placeOf(target)}`,
    look: () =>
      withLog(settings, async (log) => {
        // Whoever looks is no peer: a place that tells peers apart sees one that is never there again.
        const sink = createSink(target, connections, log, generateIdentity().id)
        const from = performance.now()
        try {
          await sink.probe()
          return ok(`probed as a peer does before it writes, in ${milliseconds(performance.now() - from)}`)
        } finally {
          await sink.close()
        }
      }),
  }))
}

function placeOf(target: SinkTarget): string {
  switch (target.kind) {
    case 'kafka':
      return `kafka ${target.topic}`
    case 'mongodb':
      return `mongodb ${target.database}.${target.collection}`
    case 's3':
      return `s3 ${target.bucket}/${target.prefix}`
    case 'file':
      return `file ${target.directory}`
  }
}

/** Something is written there, read and removed. */
export function checkpointCheck(settings: CheckpointSettings, connections: SinkConnections): Check {
  const where = settings.kind === 's3' ? `s3 ${settings.bucket}/${settings.prefix}` : settings.directory
  const look = async () => {
    const place = createPlace(settings, connections)
    const name = `doctor/${randomUUID()}`
    const from = performance.now()
    try {
      await place.create(name, Buffer.from('probe'))
      const read = await place.read(name)
      await place.remove(name)
      if (read === undefined) throw new Error('what was written cannot be read')
      return ok(`written, read and removed in ${milliseconds(performance.now() - from)}`)
    } finally {
      await place.close()
    }
  }
  return { name: `checkpoints ${where}`, look }
}
