/** What a unit reads, in a cell of a table: a partition of a source, or of the internal topic before its stage. */
export interface Reading {
  readonly stage: number
  readonly topic: string
  readonly partition: number
}

/** The names of internal topics are long, and say nothing that the stage does not. */
export const readsText = ({ stage, topic, partition }: Reading): string =>
  `${stage === 0 ? topic : `shuffle to stage ${stage} `}[${partition}]`
