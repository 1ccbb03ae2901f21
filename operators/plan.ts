/**
 * What a compiled job asks of the operators: plain data, so that it crosses threads and is hashed with the job. A job
 * without a shuffle is one stage; else stage 0 ends in `shuffle`, every later one begins with `slices`, and all but the last end in
 * a shuffle of their own.
 */

import type { FormatPlan } from './format-plan.ts'
import type { JoinSide, OrderedPlan } from './ordered/plan.ts'

export type * from './ordered/plan.ts'

/** How event time is read: a record field (epoch milliseconds, ISO 8601 text or a pattern, UTC), or the log's own time. */
export type TimePlan =
  | { readonly kind: 'field'; readonly path: readonly string[]; readonly pattern?: string }
  | { readonly kind: 'log' }

/** A CEL expression with where it stands in the job document, for messages. */
export interface ExpressionPlan {
  readonly source: string
  /** JSON pointer into the job document. */
  readonly pointer: string
  /** The hash of the module whose functions it calls, where it calls any. */
  readonly functions?: string
}

export type StepPlan =
  | { readonly kind: 'filter'; readonly where: ExpressionPlan }
  /** Replaces the record by the named fields (`keep: false`), or adds them to it (`keep: true`). */
  | { readonly kind: 'map'; readonly fields: Readonly<Record<string, ExpressionPlan>>; readonly keep: boolean }
  /** Keeps these fields only. One that a record does not have is an error, as in an expression. */
  | { readonly kind: 'project'; readonly fields: readonly string[] }
  /** Takes fields away, where a record has them. */
  | { readonly kind: 'drop'; readonly fields: readonly string[] }
  /** New name to old name, all at once. */
  | { readonly kind: 'rename'; readonly fields: Readonly<Record<string, string>> }
  /** Gives fields another type, or none to a record whose value cannot have it. Null stays null. */
  | { readonly kind: 'cast'; readonly fields: Readonly<Record<string, CastType>> }
  /** One record for each item of a list: the other fields and the item under a name, and its place under another. */
  | { readonly kind: 'explode'; readonly as: string; readonly list: ExpressionPlan; readonly index?: string }

export type CastType = 'integer' | 'number' | 'text' | 'boolean'

/**
 * When rows come of windows that are open. Absent: when silence asks for them, and else at the close.
 * `update`: at each cut, of what has changed. `every`: of that too, where the watermark crosses a line of this grid. `count`: at
 * each cut, of what has got so many records since its last row.
 */
export type EmitPlan =
  | { readonly kind: 'update' }
  | { readonly kind: 'every'; readonly everyMs: number }
  | { readonly kind: 'count'; readonly records: number }

interface Emitting {
  readonly emit?: EmitPlan
}

/** Windows at fixed places in event time, the same for all keys. Tumbling is `size === slide`. */
export interface AlignedWindowPlan extends Emitting {
  readonly kind: 'aligned'
  readonly sizeMs: number
  readonly slideMs: number
  readonly offsetMs: number
  readonly allowedLatenessMs: number
}

/** Windows of activity, each key's own: records at most `gapMs` apart are in one. */
export interface SessionWindowPlan extends Emitting {
  readonly kind: 'session'
  readonly gapMs: number
  readonly allowedLatenessMs: number
}

/** Periods of the calendar in a zone: weeks begin on Monday. */
export interface CalendarWindowPlan extends Emitting {
  readonly kind: 'calendar'
  readonly unit: 'day' | 'week' | 'month'
  /** The IANA name, for people: what counts are the offsets. */
  readonly zone: string
  /** Ascending and at least one; what is before the first has its offset as well. */
  readonly offsets: readonly ZoneOffset[]
  readonly allowedLatenessMs: number
}

/** One window for all of time: it closes at the end of the input. */
export interface GlobalWindowPlan extends Emitting {
  readonly kind: 'global'
  /** What a row has shown is not in the next one. */
  readonly purge: boolean
  /** 0: nothing is late for it. */
  readonly allowedLatenessMs: number
}

/** From this instant on clocks are so far ahead of UTC. */
export interface ZoneOffset {
  readonly fromMs: number
  readonly offsetMs: number
}

/** Windows at the same places for all keys. */
export type PlacedWindowPlan = AlignedWindowPlan | CalendarWindowPlan | GlobalWindowPlan

export type WindowPlan = PlacedWindowPlan | SessionWindowPlan

export interface OwnPlan {
  readonly aggregate: string
  /** The hash of the module. */
  readonly functions?: string
}

export interface AggregatePlan {
  readonly name: string
  readonly kind:
    | 'count'
    | 'sum'
    | 'avg'
    | 'min'
    | 'max'
    | 'variance'
    | 'stddev'
    | 'quantile'
    | 'topK'
    | 'first'
    | 'last'
    | 'collect'
    | 'countDistinct'
    | 'maxBy'
    | 'minBy'
    | 'topBy'
    | 'own'
  /**
   * For count: counts where it is true (absent: every record). For maxBy, minBy and topBy: a list of the rank and the value. For own: a
   * list of its arguments. For the others: the value to aggregate.
   */
  readonly of?: ExpressionPlan
  /** quantile: which, from 0 to 1. topK, topBy and collect: how many values are kept. */
  readonly parameter?: number
  /** own: which aggregate of which module. */
  readonly own?: OwnPlan
  /** An extra condition on the records this aggregate sees. */
  readonly where?: ExpressionPlan
}

/** What a stage reads. */
export type InputPlan =
  | {
      readonly kind: 'records'
      readonly format: FormatPlan
      /** Records are CloudEvents: their attributes are fields, and what is written in the format is the field `data`. */
      readonly envelope?: 'cloudevents'
      readonly time: TimePlan
      readonly outOfOrdernessMs: number
      /** Which side of a join it is; absent: there is none. */
      readonly side?: JoinSide
      /** The source that it reads. */
      readonly among?: readonly NumberedSource[]
    }
  /** Certified slices of the stage before, from an internal topic: the watermark is the minimum over its sources. */
  | {
      readonly kind: 'slices'
      readonly sources: number
      /** The number of the first of them; the others follow. Absent: 0. */
      readonly first?: number
      readonly among?: readonly NumberedSource[]
      /** So many of the sources, the last, are units of the stage before that give their rows. */
      readonly rowSources?: number
    }

/** Dead letters name the topic, whose partitions have the numbers from this one on. */
export interface NumberedSource {
  readonly topic: string
  readonly numberFrom: number
  /** The numbers of those that it got later, where they are not the next ones: of the partition `from` and those behind it. */
  readonly later?: { readonly from: number; readonly numbers: readonly number[] }
}

export type OutputPlan =
  /** Rows for the job's sinks: one destination for all of them, and one for the rows of each branch. */
  | { readonly kind: 'rows'; readonly branches?: readonly ExpressionPlan[] }
  /**
   * For the next stage: one destination per partition, placed by murmur2 of the key bytes. It gets partial aggregates, or
   * whole records where it has to see each of them in order.
   */
  | {
      readonly kind: 'shuffle'
      readonly partitions: number
      readonly carries?: 'records'
      /** The stage that reads it. Absent: the next one. */
      readonly to?: number
    }

/** Where a row says when it happened, in place of the time that it has by itself (row-times.ts). */
export interface RowTimePlan {
  readonly path: readonly string[]
  readonly pattern?: string
  /** How much before its own time the row may say that it happened. */
  readonly withinMs: number
  /** JSON pointer into the job document. */
  readonly pointer: string
}

/** How the next stage holds the rows of this one. They go there as single records, each with what is read of it there. */
export interface NextPlan {
  /** Absent: all rows are one group. */
  readonly keyBy?: readonly ExpressionPlan[]
  readonly ordered?: OrderedPlan
  readonly aggregates: readonly AggregatePlan[]
  /** When rows happened. Absent: the time that each has by itself. */
  readonly time?: RowTimePlan
  /** The number that the first unit has among the sources of the next stage. Absent: 0. */
  readonly numberFrom?: number
}

export type IdlePolicy = 'emit' | 'wait' | 'close'

/** One stage of one job generation, the same for each of its units. */
export interface StagePlan {
  readonly job: string
  readonly stage: number
  readonly input: InputPlan
  readonly steps: readonly StepPlan[]
  /** Absent without windows: rows have no key. */
  readonly keyBy?: readonly ExpressionPlan[]
  readonly window?: WindowPlan
  /** In place of a window: what takes single records in the order of their times. */
  readonly ordered?: OrderedPlan
  readonly aggregates: readonly AggregatePlan[]
  /** Steps on the rows of windows, in the stage that gives rows. */
  readonly after?: readonly StepPlan[]
  /** Where rows are not for sinks: what becomes of them behind the next shuffle. Only those go there that nothing can change. */
  readonly next?: NextPlan
  readonly output: OutputPlan
  readonly onIdle: IdlePolicy
  readonly cuts: CutPlan
}

/** Where cuts fall (design, section 2). Each is part of the plan because each decides digests. */
export interface CutPlan {
  /** Event-time grid in milliseconds: the window's slide, else 1,000. */
  readonly gridMs: number
  /** A line of the grid ends no cut of fewer records than this: a sparse history would have one for each record. */
  readonly gridRecords: number
  readonly maxRecords: number
  readonly maxBytes: number
  /** A cut's rows are split into parts of at most this many bytes (a single larger row makes a part of its own). */
  readonly partBytes: number
  /** State is snapshotted at the last part of every cut whose seq is a multiple of this. */
  readonly snapshotEvery: number
}
