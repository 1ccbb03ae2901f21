/**
 * How far a unit is in an S3 store: the last key under its prefix. Keys sort by position and there may be very many of
 * them, so the last is searched (gallop, then halve) with listings that start after a key, instead of reading them all.
 */
import type { CutPosition } from '../../../mesh/index.ts'

/** Keys after one, in order, at most a page of them; `more` when there are others after those. */
export type ListAfter = (
  position: CutPosition | undefined,
) => Promise<{ readonly last: CutPosition | undefined; readonly count: number; readonly more: boolean }>

/** Nothing of a cut comes after this part of it. */
const LAST_PART = 999_999_999_999

export async function lastPosition(listAfter: ListAfter): Promise<CutPosition | undefined> {
  let page = await listAfter(undefined)
  let step = page.count
  /** No key has a higher seq. */
  let none = Number.POSITIVE_INFINITY
  while (page.more && page.last !== undefined) {
    const { last } = page
    const far = Number.isFinite(none) ? Math.floor((last.seq + none) / 2) : last.seq + step
    // Neighbouring cuts: nothing to skip.
    if (far <= last.seq) {
      page = keep(await listAfter(last), last)
      continue
    }
    const ahead = await listAfter({ seq: far, part: LAST_PART })
    if (ahead.last === undefined) none = far
    else page = ahead
    step *= 2
  }
  return page.last
}

const keep = <Page extends { readonly last: CutPosition | undefined }>(page: Page, last: CutPosition): Page =>
  page.last === undefined ? { ...page, last } : page
