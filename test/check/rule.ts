/**
 * What a rule of the repository is. Each carries a planted violation, and a run first shows that the rule reports it: a
 * checker that quietly looks at nothing is worse than none.
 */
export interface SourceFile {
  /** Relative to the repository, with slashes. */
  readonly path: string
  readonly text: string
}

export interface Finding {
  readonly path: string
  readonly line: number
  readonly message: string
}

export interface Rule {
  readonly name: string
  readonly planted: SourceFile
  find(file: SourceFile): Finding[]
}

/** The rules that miss their own planted violation: broken ones. */
export function blind(rules: readonly Rule[]): string[] {
  return rules.filter((rule) => rule.find(rule.planted).length === 0).map(({ name }) => name)
}

/** A rule about single lines: one finding for each line that the pattern matches, in files it applies to. */
export function lineRule(options: {
  readonly name: string
  readonly applies: (path: string) => boolean
  readonly pattern: RegExp
  readonly message: string
  readonly planted: SourceFile
  /** Takes a match back; gets all lines and the index of the one that matched. */
  readonly unless?: (lines: readonly string[], index: number) => boolean
}): Rule {
  const { name, applies, pattern, message, planted, unless } = options
  return {
    name,
    planted,
    find({ path, text }) {
      if (!applies(path)) return []
      const lines = text.split('\n')
      return lines.flatMap((line, index) =>
        pattern.test(line) && !unless?.(lines, index) ? [{ path, line: index + 1, message }] : [],
      )
    },
  }
}
