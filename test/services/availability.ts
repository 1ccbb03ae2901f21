/**
 * What a test gets that asks for a service: the service, or one line that says why there is none and what to install.
 * Where CI=true is set there is no second way: a service that cannot run is a failure.
 */
import { ToolMissing } from './build.ts'

export interface Unavailable {
  readonly unavailable: string
}

/** @throws Error when the service cannot run and CI=true. */
export async function obtain<Service extends object>(
  name: string,
  toInstall: string,
  start: () => Promise<Service>,
): Promise<Service | Unavailable> {
  try {
    return await start()
  } catch (error) {
    const [why = ''] = (error as Error).message.split('\n')
    const hint = error instanceof ToolMissing ? `: install ${toInstall}` : ''
    const unavailable = `no ${name}: ${why}${hint}`
    if (process.env.CI === 'true') throw new Error(unavailable, { cause: error })
    return { unavailable }
  }
}

/** What `skip` of a suite is: false, or why. */
export const skipReason = (service: object): string | false =>
  'unavailable' in service && typeof service.unavailable === 'string' ? service.unavailable : false
