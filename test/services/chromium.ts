/**
 * A real browser: the one that QUORATE_TEST_CHROMIUM names, or Debian's Chromium. It runs without a screen, with a profile of
 * its own that is gone afterwards, and asks nothing of the network by itself.
 */
import { access, constants } from 'node:fs/promises'
import { type Browser, chromium as driver } from 'playwright-core'
import { obtain, type Unavailable } from './availability.ts'
import { ToolMissing } from './build.ts'

export interface ChromiumService {
  readonly browser: Browser
  stop(): Promise<void>
}

const USUAL = '/usr/bin/chromium'
const TO_INSTALL = 'Chromium (apt-get install chromium), or set QUORATE_TEST_CHROMIUM to a browser of its kind'
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

export function chromium(): Promise<ChromiumService | Unavailable> {
  return obtain('Chromium', TO_INSTALL, async () => {
    const executablePath = process.env.QUORATE_TEST_CHROMIUM ?? USUAL
    await access(executablePath, constants.X_OK).catch((cause) => {
      throw new ToolMissing(`there is no browser at ${executablePath}`, { cause })
    })
    // Playwright makes a profile for the run and removes it.
    const browser = await driver.launch({ executablePath, args: ARGS })
    return { browser, stop: () => browser.close() }
  })
}
