/** Where verbs write: data on stdout, in the format asked for; everything else on stderr. */
import { toJson } from '../http/json.ts'

export type OutputFormat = 'text' | 'json' | 'jsonl'

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

const CODES: Readonly<Record<Style, number>> = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 }

export interface Streams {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
}

export class Output {
  readonly format: OutputFormat
  readonly color: boolean
  readonly #streams: Streams

  constructor(format: OutputFormat, color: boolean, streams: Streams) {
    this.format = format
    this.color = color
    this.#streams = streams
  }

  /** A line of data. */
  line(text = ''): void {
    this.#streams.stdout.write(`${text}\n`)
  }

  /** For people: never data. */
  note(text: string): void {
    this.#streams.stderr.write(`${text}\n`)
  }

  /** One document: indented, or on one line for jsonl. */
  json(value: unknown): void {
    this.line(toJson(value, this.format === 'jsonl' ? 0 : 2))
  }

  /** One line of JSON an item. */
  jsonLines(values: Iterable<unknown>): void {
    for (const value of values) this.line(toJson(value))
  }

  paint(style: Style, text: string): string {
    return this.color ? `\u001b[${CODES[style]}m${text}\u001b[0m` : text
  }

  /** Columns as wide as their widest cell; numbers to the right. Nothing but the heading when there are no rows. */
  table(heading: readonly string[], rows: readonly (readonly unknown[])[]): void {
    const cells = rows.map((row) => heading.map((_, column) => cellText(row[column])))
    const widths = heading.map((title, column) =>
      Math.max(title.length, ...cells.map((row) => row[column]?.length ?? 0)),
    )
    const right = heading.map((_, column) => rows.length > 0 && rows.every((row) => isNumeric(row[column])))
    const render = (row: readonly string[]) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0
          return right[column] ? cell.padStart(width) : cell.padEnd(width)
        })
        .join('  ')
        .trimEnd()
    this.line(this.paint('bold', render(heading)))
    for (const row of cells) this.line(render(row))
  }
}

const isNumeric = (value: unknown): boolean => typeof value === 'number' || typeof value === 'bigint'

/** Text from a peer is shown, never interpreted by the terminal. */
export function cellText(value: unknown): string {
  if (value === undefined || value === null) return '-'
  const text = typeof value === 'string' ? value : toJson(value)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '�')
}
