/**
 * Regular expressions, by re2js: its time is linear in the text whatever the pattern, and what it knows of Unicode comes with
 * its pinned version, not with the machine. A pattern is part of the document, so it is compiled once and a wrong one is told
 * when the job is submitted.
 */
import { RE2JS, RE2JSException } from 're2js'
import type { Value } from '../json.ts'
import { textOf } from './texts.ts'
import { boundText, spend, spendOnList, spendOnText } from './work.ts'

const MAX_PATTERN_LENGTH = 256
/** Instructions: what a repetition of a repetition can grow to. */
const MAX_PROGRAM = 2_000

export interface Pattern {
  readonly expression: RE2JS
  readonly groups: number
}

/** A pattern, or what is wrong with it. */
export function compilePattern(source: string): Pattern | string {
  if (source.length > MAX_PATTERN_LENGTH) return `expected a pattern of at most ${MAX_PATTERN_LENGTH} characters`
  try {
    const expression = RE2JS.compile(source)
    if (expression.programSize() > MAX_PROGRAM) return 'the pattern repeats too much; count less in it'
    return { expression, groups: expression.groupCount() }
  } catch (error) {
    if (!(error instanceof RE2JSException)) throw error
    return `expected a regular expression of RE2; ${error.message.replace('error parsing regexp: ', '')}`
  }
}

/** What a search through the text can cost at most. */
function searched({ expression }: Pattern, value: Value): string {
  const text = textOf(value)
  // An instruction of a pattern, looked at for a character, costs about two steps.
  spend(2 * text.length * expression.programSize())
  return text
}

/** Whether it is found anywhere in the text. */
export const matches =
  (pattern: Pattern) =>
  (value: Value): Value =>
    pattern.expression.matcher(searched(pattern, value)).find()

/** What the first match, or its group, is; null where there is none. */
export const extract =
  (pattern: Pattern, group: number) =>
  (value: Value): Value => {
    const matcher = pattern.expression.matcher(searched(pattern, value))
    return matcher.find() ? (matcher.group(group) ?? null) : null
  }

/** The same of all matches, as a list. */
export const extractAll =
  (pattern: Pattern, group: number) =>
  (value: Value): Value => {
    const matcher = pattern.expression.matcher(searched(pattern, value))
    const found: Value[] = []
    while (matcher.find()) {
      found.push(matcher.group(group) ?? null)
    }
    spendOnList(found.length)
    return found
  }

/** Every match by a text, which stands for itself: no groups are put into it. */
export const replaceMatches =
  (pattern: Pattern) =>
  (value: Value, by: Value): Value => {
    const text = searched(pattern, value)
    const replacement = textOf(by)
    const matcher = pattern.expression.matcher(text)
    let made = ''
    let from = 0
    while (matcher.find()) {
      made += text.slice(from, matcher.start()) + replacement
      boundText(made.length)
      from = matcher.end()
    }
    made += text.slice(from)
    spendOnText(made.length)
    return made
  }
