/**
 * A .proto file to the schema that readers use. It is read here, where a job is compiled, and never beside records: what the
 * library makes of a text is certified with the job, so another release of it cannot change a result.
 */
import protobuf from 'protobufjs'
import {
  PROTOBUF_SCALARS,
  type ProtobufField,
  type ProtobufScalar,
  type ProtobufSchema,
} from '../../operators/index.ts'
import { QuorateError } from '../errors.ts'

const MAX_MESSAGES = 500

/** @throws QuorateError QRT_JOB_INVALID with what is wrong */
export function readProto(text: string): ProtobufSchema {
  const own = packageOf(text)
  const messages: Record<string, readonly ProtobufField[]> = {}
  const enums: Record<string, Record<string, string>> = {}
  const places: Record<string, string> = {}
  const addMessage = (type: protobuf.Type): void => {
    const name = nameOf(type)
    if (messages[name] !== undefined) return
    if (Object.keys(messages).length >= MAX_MESSAGES) throw invalid(`expected at most ${MAX_MESSAGES} messages`)
    const fields: ProtobufField[] = []
    messages[name] = fields
    for (const field of type.fieldsArray) {
      const { resolvedType } = field.resolve()
      fields.push(fieldOf(field))
      if (resolvedType instanceof protobuf.Type) addMessage(resolvedType)
      if (resolvedType instanceof protobuf.Enum) enums[nameOf(resolvedType)] = namesOf(resolvedType)
    }
    fields.sort((a, b) => a.number - b.number)
  }
  const addPlaces = (inside: protobuf.NamespaceBase, place: string): void => {
    inside.nestedArray
      .filter((nested) => nested instanceof protobuf.Type)
      .forEach((type, i) => {
        const at = place === '' ? String(i) : `${place}/${i}`
        places[at] = nameOf(type)
        addMessage(type)
        addPlaces(type, at)
      })
  }
  addPlaces(own, '')
  if (places['0'] === undefined) throw invalid('there is no message in it')
  return { messages, enums, places }
}

const invalid = (what: string, cause?: unknown): QuorateError =>
  new QuorateError('QRT_JOB_INVALID', `the Protobuf schema cannot be used: ${what}`, { cause })

/** The namespace of the file's package, whose messages are the file's own. */
function packageOf(text: string): protobuf.NamespaceBase {
  try {
    const root = new protobuf.Root()
    const { package: name, imports = [], weakImports = [] } = protobuf.parse(text, root, { keepCase: true })
    for (const path of [...imports, ...weakImports]) addImport(root, path)
    root.resolveAll()
    const own = name === undefined || name === null ? root : root.lookup(name)
    if (!(own instanceof protobuf.Namespace)) throw new Error(`the package "${name}" is empty`)
    return own
  } catch (cause) {
    if (cause instanceof QuorateError) throw cause
    throw invalid(cause instanceof Error ? cause.message : String(cause), cause)
  }
}

/** Only what the library brings along: Google's well-known types. */
function addImport(root: protobuf.Root, path: string): void {
  const known = protobuf.common.get(path)
  if (known?.nested === undefined || known.nested === null) {
    throw invalid(`it imports "${path}", which is not read; put its messages into the same file`)
  }
  root.addJSON(known.nested)
}

const nameOf = (type: protobuf.ReflectionObject): string => type.fullName.replace(/^\./, '')

function fieldOf(field: protobuf.Field): ProtobufField {
  const { id, name, resolvedType, repeated, partOf } = field
  if (field.delimited) throw invalid(`"${name}" is a group, which is not read; make it a message`)
  const map = field instanceof protobuf.MapField
  const type = resolvedType instanceof protobuf.Type ? 'message' : resolvedType === null ? scalar(field.type) : 'enum'
  const shape = map ? 'map' : repeated ? 'repeated' : isExplicit(field) ? 'explicit' : 'implicit'
  // A oneof of one member is how proto3 writes `optional`: nothing takes its place.
  const members = partOf === null || partOf === undefined ? 0 : partOf.fieldsArray.length
  return {
    number: id,
    name,
    type,
    ...(resolvedType === null ? {} : { of: nameOf(resolvedType) }),
    shape,
    ...(members > 1 && partOf !== null ? { oneof: partOf.name } : {}),
    ...(map ? { key: scalar(field.keyType) } : {}),
    ...(field.required ? { required: true } : {}),
  }
}

/** Whether a field that is not on the wire is absent, rather than the default of its type. */
function isExplicit(field: protobuf.Field): boolean {
  if (field.resolvedType instanceof protobuf.Type) return true
  if (field.partOf !== null && field.partOf !== undefined) return true
  return field.hasPresence
}

function scalar(name: string): ProtobufScalar {
  const known = PROTOBUF_SCALARS.find((each) => each === name)
  if (known === undefined) throw invalid(`there is no type "${name}"`)
  return known
}

function namesOf({ values }: protobuf.Enum): Record<string, string> {
  const names: Record<string, string> = {}
  for (const [name, number] of Object.entries(values)) names[number] ??= name
  return names
}
