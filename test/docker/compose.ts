/** docker/compose.yaml as the loader of Docker Compose itself reads it: anchors, interpolation and defaults done. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { obtain, type Unavailable } from '../services/availability.ts'
import { goBinary } from '../services/build.ts'

export interface Volume {
  readonly type: 'volume' | 'bind'
  readonly source: string
  readonly target: string
  readonly read_only?: boolean
}

export interface Service {
  readonly image?: string
  readonly build?: { readonly context: string; readonly dockerfile: string }
  readonly profiles: readonly string[]
  readonly entrypoint?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly volumes?: readonly Volume[]
  readonly ports?: readonly { readonly host_ip?: string; readonly target: number; readonly published: string }[]
  readonly depends_on?: Readonly<Record<string, { readonly condition: string; readonly required: boolean }>>
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly user?: string
}

export interface ComposeFile {
  readonly name: string
  readonly services: Readonly<Record<string, Service>>
  readonly volumes: Readonly<Record<string, unknown>>
}

const VERSION = '2.16.2'
const TO_INSTALL = 'Go 1.21 or newer (it fetches the toolchain it needs)'
const DOCKER = fileURLToPath(new URL('../../docker/', import.meta.url))

/** With the defaults of its variables: the loader on its own takes none from the environment. */
export function composeFile(): Promise<{ readonly compose: ComposeFile } | Unavailable> {
  return obtain('loader of Compose files', TO_INSTALL, async () => {
    const module = `github.com/compose-spec/compose-go/v2/cmd@v${VERSION}`
    const loader = await goBinary(`compose-go-${VERSION}`, module)
    const { stdout } = await promisify(execFile)(loader, ['-format', 'json', 'compose.yaml'], {
      cwd: DOCKER,
    })
    return { compose: JSON.parse(stdout) as ComposeFile }
  })
}
