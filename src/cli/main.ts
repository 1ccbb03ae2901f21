/** The entry of the command line: what `npm run quorate` and bin/quorate.js start. */
import process from 'node:process'
import { commandLine } from './command-line.ts'

process.exitCode = await commandLine(process.argv.slice(2))
