/**
 * A row as a YAML document (version 1.2): its fields on lines of their own, and what is below those in flow style. Texts are always in
 * quotes, so that no reader of an older version takes one for a date or a boolean.
 */
type Fields = Readonly<Record<string, unknown>>

/** Begins with the mark of a document. */
export function yamlDocument(row: Fields): string {
  const lines = Object.entries(row).map(([name, value]) => {
    // Only in flow style can a name have any length.
    if (!isObject(value) || !Object.keys(value).every(isShort)) return `${nameOf(name)}: ${flow(value)}\n`
    const fields = Object.keys(value)
    if (fields.length === 0) return `${nameOf(name)}: {}\n`
    return `${nameOf(name)}:\n${fields.map((field) => `  ${nameOf(field)}: ${flow(value[field])}\n`).join('')}`
  })
  return `---\n${lines.join('')}`
}

/** An implicit key of a block may have 1,024 characters, quotes and escapes included. */
const isShort = (name: string): boolean => nameOf(name).length <= 1_000

function flow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(flow).join(', ')}]`
  if (!isObject(value)) return scalar(value)
  return `{${Object.keys(value)
    .map((name) => `${quoted(name)}: ${flow(value[name])}`)
    .join(', ')}}`
}

function scalar(value: unknown): string {
  if (typeof value === 'string') return quoted(value)
  // Readers of version 1.1 take a number with an exponent for a text where it has no point.
  if (typeof value === 'number') return String(value).replace(/^(-?\d+)e/, '$1.0e')
  return String(value)
}

/** Words of YAML 1.1 and 1.2 that are no texts. */
const WORDS: ReadonlySet<string> = new Set(['true', 'false', 'null', 'yes', 'no', 'on', 'off', 'y', 'n'])

/** Some readers of version 1.1 take an exponent alone for a number. */
const isExponent = (name: string): boolean => /^[eE]\d+$/.test(name)

const nameOf = (name: string): string =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !isExponent(name) && !WORDS.has(name.toLowerCase()) ? name : quoted(name)

/** JSON's escapes are YAML's; what JSON writes as it is and YAML does not print gets one as well. */
const quoted = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
