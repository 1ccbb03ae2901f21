/** Every bound of a job document, in one place; what exceeds one is a fault. LIMITS.documentBytes bounds the text itself. */
export const JOB_LIMITS = {
  /** Objects and lists inside one another; the language itself needs six. */
  depth: 16,
  /** Scalars, objects and lists. */
  values: 2_000,
  /** Characters of all texts that are values; comments do not count. */
  valueCharacters: 32 * 1024,
  /** Marks, line breaks and texts of a document, comments included: what a parser's time grows with. */
  marks: 8_000,
  /** Faults told at once; the rest appears when these are mended. */
  faults: 100,
  /** Characters of a found value in a message. */
  foundCharacters: 60,
  /** Characters of a message; the rest is cut off. */
  messageCharacters: 600,
  /** Different names in all expressions of a pipeline: a stage looks for each of them in every record. */
  names: 512,
  steps: 64,
  /** Topics that one job reads: each partition of each is a unit with replicas of its own. */
  sources: 8,
  /** Versions of a schema that a source may have records of. */
  schemas: 100,
  /** Fields of one map or compute. */
  fields: 256,
  fieldNameCharacters: 128,
  aggregates: 64,
  /** Stages of a pipeline that group and hold: each is a shuffle more, and units with replicas of its own. */
  rounds: 8,
  /** Values that one collect keeps of a group; each may be as large as a record. */
  collected: 1_000,
  /** Numbers that one topK keeps of a group. */
  top: 100,
  /** Records of a key that a row can wait for. */
  emitRecords: 1_000_000_000,
  /** Expressions of a key. */
  keys: 8,
  sinks: 8,
  /** Replicas of a unit: a majority of seven survives three losses, and every vote goes to every replica. */
  replicas: 7,
  /** Partitions of a shuffle: each is a unit with replicas of its own. */
  shufflePartitions: 1_024,
  /** Changes of clocks in one zone: twice a year until 2100, and room for Morocco's four. */
  zoneOffsets: 1_024,
  /** Records of a window that counts them. A window keeps its aggregates, not the records. */
  countWindow: 1_000_000,
  /** Records that a rolling aggregate keeps of each key. */
  rollingRecords: 10_000,
  /** Stages of a pattern, and records that one of them counts. */
  patternStages: 32,
  patternTimes: 1_000,
  /** Windows that a record is in: a day that moves by the minute. Each costs an update of its group. */
  windowsPerRecord: 1_440,
  /** A stored job: the text with its escapes, and what was compiled from it. One frame of the mesh carries it. */
  bodyBytes: 3 * 1024 * 1024,
} as const
