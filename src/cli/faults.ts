/** Faults of a document as a compiler shows them: where, the line itself, a caret under the place, what was expected. */
import type { Fault } from '../http/problems.ts'
import { cellText, type Output } from './output.ts'

/** Columns of a line shown before the caret's place scrolls into view: generated documents have very long lines. */
const WIDTH = 120

/** Writes the faults to stderr. Without the text of the document the line and the caret are left out. */
export function noteFaults(output: Output, faults: readonly Fault[], file: string, text: string | undefined): void {
  const lines = text?.split('\n') ?? []
  for (const fault of faults) {
    const { line, column = 1, pointer, message, suggestion } = fault
    const place = line === undefined ? file : `${file}:${line}:${column}`
    const at = pointer === undefined || pointer === '' ? '' : ` ${output.paint('dim', `(${cellText(pointer)})`)}`
    output.note(`${output.paint('bold', cellText(place))}: ${output.paint('red', 'error')}: ${cellText(message)}${at}`)
    const source = line === undefined ? undefined : lines[line - 1]
    if (source !== undefined) noteLine(output, source.replace(/\r$/, ''), line ?? 1, column)
    if (suggestion !== undefined) output.note(`  ${output.paint('green', 'help')}: ${cellText(suggestion)}`)
  }
}

function noteLine(output: Output, source: string, line: number, column: number): void {
  const from = column > WIDTH ? column - WIDTH / 2 : 0
  // Every character takes one column, whatever it is: the caret must stay under its own.
  const shown = cellText(source.slice(from, from + WIDTH).replaceAll('\t', ' '))
  const margin = String(line)
  output.note(`  ${output.paint('dim', `${margin} |`)} ${shown}`)
  output.note(
    `  ${output.paint('dim', `${' '.repeat(margin.length)} |`)} ${' '.repeat(column - 1 - from)}${output.paint('red', '^')}`,
  )
}
