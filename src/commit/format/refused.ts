/** How a sink says that a row cannot be written in its format: it stops there, and no row is left out. */
import { QuorateError } from '../../errors.ts'

const SHOWN = 200

/** @param row its value, as certified @param what the format, and what of the row does not fit it */
export const refused = (sink: string, row: Uint8Array, what: string, cause?: unknown): QuorateError =>
  new QuorateError(
    'QRT_SINK_REFUSED',
    `${sink}: the row ${Buffer.from(row).toString().slice(0, SHOWN)} cannot be written in ${what}. Results are kept here; submit the job under another name with a format that fits`,
    { cause },
  )
