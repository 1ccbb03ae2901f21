/** Steps behind `aggregate`: what they do to rows, and which names each of them can read and make. */
import type { StepPlan } from '../../../operators/index.ts'
import type { RoundDocument } from '../document.ts'
import { RowNames } from './row-names.ts'
import { type Finding, type Reporter, report } from './words.ts'

/** Tells what is wrong, at a path below the step. */
type Tell = (path: readonly PropertyKey[], finding: Finding) => void

/** Reports names that no row has, and those that every row has and a step would make. @param places of the steps in the document */
export function checkRowSteps(document: RoundDocument, places: readonly number[], reporter: Reporter): void {
  namesAfter(document, (index, path, finding) => {
    report(reporter, [places[index] ?? 0, ...path], 'a name that rows have', finding)
  })
}

/** The names of rows after all steps. */
export function namesAfter(
  document: RoundDocument,
  tell: (index: number, path: readonly PropertyKey[], finding: Finding) => void = () => {},
): RowNames {
  return (document.after ?? []).reduce(
    (names, step, index) => afterStep(step, names, (path, finding) => tell(index, path, finding)),
    RowNames.of(document),
  )
}

function afterStep(step: StepPlan, names: RowNames, tell: Tell): RowNames {
  const read = (source: string, ...path: readonly PropertyKey[]) => {
    const finding = names.unknownIn(source)
    if (finding !== undefined) tell(path, finding)
  }
  const has = (field: string, ...path: readonly PropertyKey[]) => {
    if (names.isTaken(field)) tell(path, { sentence: `every row has its "${field}"; it stays as it is`, atName: true })
    else if (!names.fields.has(field)) tell(path, names.missing(field))
  }
  const make = (field: string, ...path: readonly PropertyKey[]) => {
    if (!names.isTaken(field)) return
    tell(path, { sentence: `every row has a field "${field}" of its own; choose another name`, atName: true })
  }
  switch (step.kind) {
    case 'filter':
      read(step.where.source, 'filter')
      return names
    case 'map': {
      const kind = step.keep ? 'compute' : 'map'
      for (const [name, { source }] of Object.entries(step.fields)) {
        make(name, kind, name)
        read(source, kind, name)
      }
      return names.with([...(step.keep ? names.fields : []), ...Object.keys(step.fields)])
    }
    case 'project':
      for (const field of step.fields) has(field, 'project')
      return names.with(step.fields)
    case 'drop':
      for (const field of step.fields) has(field, 'drop')
      return names.with([...names.fields].filter((field) => !step.fields.includes(field)))
    case 'rename': {
      const old = Object.values(step.fields)
      for (const [name, field] of Object.entries(step.fields)) {
        make(name, 'rename', name)
        has(field, 'rename', name)
      }
      return names.with([...[...names.fields].filter((field) => !old.includes(field)), ...Object.keys(step.fields)])
    }
    case 'cast':
      for (const field of Object.keys(step.fields)) has(field, 'cast', field)
      return names
    case 'explode':
      // Refused where the order of steps is looked at.
      return names
  }
}
