/** What the options of a table say in a document: as a source, and as a sink. */
import { SqlFault } from './fault.ts'
import { checkOptions, type Table } from './table.ts'

/** Options of a source, with the place below it. */
const SOURCE: Readonly<Record<string, readonly string[]>> = {
  topic: ['topic'],
  format: ['format'],
  envelope: ['envelope'],
  time: ['time', 'field'],
  time_pattern: ['time', 'pattern'],
  out_of_orderness: ['outOfOrderness'],
  partitioned_by: ['partitionedBy'],
  from: ['from'],
  bounded: ['bounded'],
  idle_after: ['idleAfter'],
  on_idle: ['onIdle'],
}

/** Options of a format with a schema, with their names in a document. */
const SCHEMA: Readonly<Record<string, string>> = {
  schema: 'schema',
  schema_file: 'file',
  subject: 'subject',
  message: 'message',
}

/** Options of each kind of sink. */
const SINKS: Readonly<Record<string, readonly string[]>> = {
  kafka: ['topic'],
  mongodb: ['database', 'collection'],
  s3: ['bucket', 'prefix'],
  file: ['directory'],
}

/** How rows are written: a word, or with a schema. */
const FORMAT: Readonly<Record<string, string>> = {
  schema: 'schema',
  schema_file: 'file',
  schema_id: 'id',
  message: 'message',
}

interface Part {
  readonly part: object
  /** Pointer below the part of each option that stands there. */
  readonly pointers: ReadonlyMap<string, string>
}

export function sourceOf(table: Table): Part {
  const known = [...Object.keys(SOURCE), ...Object.keys(SCHEMA), 'connector', 'dead_letters', 'versioned']
  checkOptions(table, known)
  const connector = table.options.get('connector')
  if (connector !== undefined && connector.value !== 'kafka') {
    throw new SqlFault(connector.byte, `expected a topic to read, connector = 'kafka'; found '${connector.value}'`)
  }
  const pointers = new Map<string, string>()
  const part: Record<string, unknown> = {}
  const schema: Record<string, unknown> = {}
  for (const [option, { value }] of table.options) {
    const [name, below] = SOURCE[option] ?? []
    const inFormat = SCHEMA[option]
    if (inFormat !== undefined) schema[inFormat] = value
    if (name === undefined) continue
    pointers.set(option, `/${[name, ...(below === undefined ? [] : [below])].join('/')}`)
    part[name] = below === undefined ? value : { ...(part[name] as object | undefined), [below]: value }
  }
  if (Object.keys(schema).length > 0) part.format = { [String(part.format ?? 'avro')]: schema }
  return { part, pointers }
}

export function sinkOf(table: Table): Part & { readonly table: Table } {
  const connector = table.options.get('connector')
  const kind = String(connector?.value ?? 'kafka')
  const options = SINKS[kind]
  if (options === undefined) {
    throw new SqlFault(
      connector?.byte,
      `expected one of the connectors ${Object.keys(SINKS).join(', ')}; found '${kind}'`,
    )
  }
  const formats = kind === 'mongodb' ? [] : ['format', ...Object.keys(FORMAT)]
  checkOptions(table, ['connector', ...options, ...formats])
  const given = options.flatMap((option) => {
    const value = table.options.get(option)?.value
    return value === undefined ? [] : [[option, value] as const]
  })
  const format = formatOf(table)
  const named = [...given.map(([option]) => option), ...(format === undefined ? [] : ['format'])]
  const pointers = new Map(named.map((option) => [option, `/${kind}/${option}`]))
  const part = { ...Object.fromEntries(given), ...(format === undefined ? {} : { format }) }
  return { part: { [kind]: part }, pointers, table }
}

function formatOf({ options }: Table): string | object | undefined {
  const format = options.get('format')?.value
  const schema = Object.entries(FORMAT).flatMap(([option, name]) => {
    const value = options.get(option)?.value
    return value === undefined ? [] : [[name, value] as const]
  })
  if (schema.length === 0) return format === undefined ? undefined : String(format)
  return { [String(format ?? 'avro')]: Object.fromEntries(schema) }
}
