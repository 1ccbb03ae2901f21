/** Windows: how a document says where they lie, and when their rows come. */
import { z } from 'zod'
import type { WindowPlan } from '../../../operators/index.ts'
import { JOB_LIMITS } from '../limits.ts'
import { zoneOffsets } from '../zones.ts'
import { emit } from './emit.ts'
import { countWindow, slidingWindow } from './ordered.ts'
import { duration, flag, text } from './values.ts'
import { expects, type Reporter, report, rule, strict } from './words.ts'

const SIZE = { least: '1ms', most: '520w' }

const lateness = () =>
  duration({ most: '520w' })
    .prefault('0s')
    .meta({ description: 'How long after its end, by watermark, a window still takes records; each makes a revision.' })

const offset = () =>
  duration()
    .prefault('0s')
    .meta({ description: 'Moves the windows: with 6h, windows of a day begin at six in the morning, UTC.' })

interface WindowShape {
  readonly size: number
  readonly slide: number
  readonly offset: number
}

/** Offsets of a step or more name windows that a smaller one names as well. */
function checkOffset({ slide, offset }: WindowShape, reporter: Reporter): void {
  if (offset >= slide) report(reporter, ['offset'], 'an offset shorter than the step from one window to the next')
}

const tumbling = () =>
  strict('a window such as { tumbling: 1d }', {
    tumbling: duration(SIZE).meta({ description: 'Size of windows that follow one another.', examples: ['10m', '1d'] }),
    offset: offset(),
    allowedLateness: lateness(),
    emit: emit(),
  }).check(
    rule(['tumbling', 'offset'], ({ tumbling: size, offset }, reporter) =>
      checkOffset({ size, slide: size, offset }, reporter),
    ),
  )

const hopping = () =>
  strict('a window such as { hopping: 1d, every: 1h }', {
    hopping: duration(SIZE).meta({ description: 'Size of windows that overlap.', examples: ['1h', '1d'] }),
    every: duration(SIZE).meta({
      description: 'Time from the start of a window to the start of the next.',
      examples: ['5m'],
    }),
    offset: offset(),
    allowedLateness: lateness(),
    emit: emit(),
  }).check(
    rule(['hopping', 'every', 'offset'], ({ hopping: size, every, offset }, reporter) => {
      checkOffset({ size, slide: every, offset }, reporter)
      const windows = Math.ceil(size / every)
      if (windows <= JOB_LIMITS.windowsPerRecord) return
      const sentence = `expected a record to be in at most ${JOB_LIMITS.windowsPerRecord} windows; it would be in ${windows}`
      report(reporter, ['every'], 'a longer step', { sentence, suggestion: 'choose a longer step' })
    }),
  )

const session = () =>
  strict('a window such as { session: 30m }', {
    session: duration(SIZE).meta({
      description: 'Gap: records of a key that are at most this far apart are in one window.',
      examples: ['30m'],
    }),
    allowedLateness: lateness(),
    emit: emit(),
  })

const ZONE = 'the IANA name of a time zone, such as Europe/Berlin or UTC'

const zone = () =>
  text(ZONE).check(
    z.superRefine((value, reporter) => {
      if (value.length > 64 || zoneOffsets(value) === undefined) report(reporter, [], ZONE)
    }),
  )

const calendar = () =>
  strict('a window such as { calendar: day, zone: Europe/Berlin }', {
    calendar: z
      .enum(['day', 'week', 'month'], expects('"day", "week" or "month"'))
      .meta({ description: 'Period that a window is, as clocks show it in the zone. Weeks begin on Monday.' }),
    zone: zone()
      .prefault('UTC')
      .meta({ description: 'IANA name of the time zone.', examples: ['Europe/Berlin'] }),
    allowedLateness: lateness(),
    emit: emit(),
  })

const global = () =>
  strict('a window such as { global: true, emit: onUpdate }', {
    global: z
      .literal(true, expects('true'))
      .meta({ description: 'One window for all of time, which closes where the source ends.' }),
    emit: emit(),
    purge: flag().prefault(false).meta({ description: 'Whether what a row has shown is left out of the next one.' }),
  })

export const window = () =>
  z.union(
    [tumbling(), hopping(), session(), calendar(), global(), countWindow(), slidingWindow()],
    expects(
      'a window: { tumbling: … }, { hopping: …, every: … }, { session: … }, { calendar: …, zone: … }, { global: true, emit: … }, { count: … } or { sliding: … }',
    ),
  )

type Shape = z.output<ReturnType<typeof window>>

/** Of windows that hold partial aggregates; the others are ordered.ts's. */
export function windowPlan(shape: Exclude<Shape, { count: number } | { sliding: number }>): WindowPlan {
  const early = shape.emit === undefined ? {} : { emit: shape.emit }
  if ('global' in shape) return { kind: 'global', purge: shape.purge, allowedLatenessMs: 0, ...early }
  const { allowedLateness: allowedLatenessMs } = shape
  if ('session' in shape) return { kind: 'session', gapMs: shape.session, allowedLatenessMs, ...early }
  if ('calendar' in shape) {
    const { calendar: unit, zone } = shape
    return { kind: 'calendar', unit, zone, offsets: zoneOffsets(zone) ?? [], allowedLatenessMs, ...early }
  }
  const [sizeMs, slideMs] = 'tumbling' in shape ? [shape.tumbling, shape.tumbling] : [shape.hopping, shape.every]
  return { kind: 'aligned', sizeMs, slideMs, offsetMs: shape.offset, allowedLatenessMs, ...early }
}
