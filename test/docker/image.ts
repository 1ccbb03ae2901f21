/** docker/Dockerfile, its instructions, and what of the repository gets into the image. */
import { readFileSync } from 'node:fs'
import { DockerfileParser, ModifiableInstruction } from 'dockerfile-ast'

export interface Instruction {
  readonly keyword: string
  /** Names of its flags. */
  readonly flags: readonly string[]
  /** What follows the flags. */
  readonly text: string
  readonly args: readonly string[]
}

export interface Stage {
  readonly from: string
  readonly name: string | undefined
  readonly instructions: readonly Instruction[]
}

const DOCKER = new URL('../../docker/', import.meta.url)
export const DOCKERFILE = readFileSync(new URL('Dockerfile', DOCKER), 'utf8')
const IGNORE = readFileSync(new URL('Dockerfile.dockerignore', DOCKER), 'utf8')

export function stages(): readonly Stage[] {
  const found: { from: string; name: string | undefined; instructions: Instruction[] }[] = []
  for (const instruction of DockerfileParser.parse(DOCKERFILE).getInstructions()) {
    const keyword = instruction.getKeyword()
    const args = instruction.getArguments().map((argument) => argument.getValue())
    if (keyword === 'FROM') found.push({ from: args[0] ?? '', name: args[2], instructions: [] })
    else {
      const flags = instruction instanceof ModifiableInstruction ? instruction.getFlags() : []
      const text = instruction.getRawArgumentsContent() ?? ''
      found[found.length - 1]?.instructions.push({ keyword, flags: flags.map((flag) => flag.getName()), text, args })
    }
  }
  return found
}

export const textOf = ({ instructions }: Stage, keyword: string): readonly string[] =>
  instructions.filter((instruction) => instruction.keyword === keyword).map(({ text }) => text)

/** Values of the last stage's ENV. */
export const imageEnvironment: Readonly<Record<string, string>> = Object.fromEntries(
  stages()
    .slice(-1)
    .flatMap((stage) => textOf(stage, 'ENV'))
    .flatMap((text) => [...text.matchAll(/(\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value])),
)

/** Paths of the repository that the last stage copies. */
export function copiedPaths(): readonly string[] {
  const last = stages().at(-1)
  const copies = last?.instructions.filter(({ keyword, flags }) => keyword === 'COPY' && !flags.includes('from'))
  return (copies ?? []).flatMap(({ args }) => args.slice(0, -1))
}

/** The exceptions of a .dockerignore that begins by leaving everything out. */
export function admittedPaths(): readonly string[] {
  const lines = IGNORE.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const [first, ...rest] = lines
  if (first !== '*') throw new Error('Dockerfile.dockerignore begins with "*": what is not named stays outside')
  return rest.map((line) => {
    if (!line.startsWith('!')) throw new Error(`Dockerfile.dockerignore: "${line}" is no exception`)
    return line.slice(1)
  })
}
