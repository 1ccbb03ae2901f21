#!/usr/bin/env node
/**
 * Starts the command line. Plain JavaScript, so that any Node can read it and say what it lacks. Node 24 runs the TypeScript
 * sources itself, but never below node_modules; there, and on older versions, tsx does.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)

if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `quorate needs Node 20.19 or later, and 22.13 or later to run a peer; this is ${process.versions.node}.`,
  )
  process.exit(1)
}

const main = new URL('../src/cli/main.ts', import.meta.url)
if (major >= 24 && !main.pathname.includes('/node_modules/')) {
  await import(main.href)
} else {
  runWithTsx()
}

/** As a process of its own: worker threads have tsx only when it is an `--import` of the process that starts them. */
function runWithTsx() {
  const tsx = import.meta.resolve('tsx')
  const args = ['--import', tsx, fileURLToPath(main), ...process.argv.slice(2)]
  const child = spawn(process.execPath, args, { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal sends Ctrl-C to both; what is sent to this process alone is passed on. The child decides when to end.
    process.on(signal, () => {
      if (!(signal === 'SIGINT' && process.stdin.isTTY)) child.kill(signal)
    })
  }
  child.on('error', (error) => {
    console.error(`quorate cannot start: ${error.message}`)
    process.exitCode = 1
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exitCode = code ?? 1
    else {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    }
  })
}
