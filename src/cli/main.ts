/** The entry of the command line: what `npm run quorate` and bin/quorate.js start. */
import process from 'node:process'
import { commandLine } from './command-line.ts'

/** A part that has not ended by then does not keep the process: whoever started it waits for its exit code. */
const END_WITHIN_MS = 5_000

process.exitCode = await commandLine(process.argv.slice(2))
setTimeout(() => process.exit(), END_WITHIN_MS).unref()
