/**
 * A page in a browser that keeps account of what must not happen: errors in its console, and requests to anybody but the peer
 * that served it. Questions to it wait until they are answered, with a deadline.
 */
import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { eventually } from '../eventually.ts'

const IN_PAGE = fileURLToPath(new URL('./in-page.js', import.meta.url))
/** The peer is asked every second or two; a machine that does much else needs longer. */
const SEEN_WITHIN_MS = 60_000

export class WatchedPage {
  readonly page: Page
  #faults: string[] = []

  private constructor(page: Page) {
    this.page = page
    page.setDefaultTimeout(SEEN_WITHIN_MS)
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) this.#faults.push(`console: ${message.text()}`)
    })
    page.on('pageerror', (error) => this.#faults.push(`error: ${error.message}`))
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url())
      const own = new URL(page.url() === 'about:blank' ? request.url() : page.url()).origin
      // The icon is in the page itself; a way to another peer is a page of its own.
      if (origin !== own && protocol !== 'data:' && !request.isNavigationRequest()) {
        this.#faults.push(`request to ${request.url()}`)
      }
    })
  }

  static async open(browser: Browser, url: string, options: BrowserContextOptions = {}): Promise<WatchedPage> {
    const context = await browser.newContext({
      reducedMotion: 'reduce',
      viewport: { width: 1360, height: 900 },
      ...options,
    })
    await context.addInitScript({ path: IN_PAGE })
    const watched = new WatchedPage(await context.newPage())
    await watched.page.goto(url)
    return watched
  }

  section(id: string): Locator {
    return this.page.locator(`#${id}`)
  }

  /** What in-page.js says from inside the page. @param call such as `rows('members')` */
  ask(call: string): Promise<unknown> {
    return this.page.evaluate(`inPage.${call}`)
  }

  /** Rows of a table as a person reads them: cells by the titles of their columns. */
  async rows(section: string): Promise<Record<string, string>[]> {
    return (await this.ask(`rows('${section}')`)) as Record<string, string>[]
  }

  async rowsSuchThat(
    section: string,
    what: string,
    holds: (rows: Record<string, string>[]) => boolean,
  ): Promise<Record<string, string>[]> {
    let rows: Record<string, string>[] = []
    await eventually(
      what,
      async () => {
        rows = await this.rows(section)
        return holds(rows)
      },
      SEEN_WITHIN_MS,
    ).catch((cause) => {
      throw new Error(`${what}; seen instead: ${JSON.stringify(rows.slice(0, 5))}`, { cause })
    })
    return rows
  }

  /** Waits until a text is there for people to see. */
  async sees(section: string, text: string | RegExp): Promise<void> {
    await this.section(section).getByText(text).first().waitFor()
  }

  /** Faults so far, but for those that are expected; they are forgotten. */
  assertNoFaults(expected: RegExp = /^$/): void {
    const faults = this.#faults.filter((fault) => !expected.test(fault))
    this.#faults = []
    assert.deepEqual(faults, [])
  }

  async close(): Promise<void> {
    await this.page.context().close()
  }
}
