/**
 * `npm test [FILE…]`: starts the services that tests share, runs the test files given (all of them by default) and stops
 * the services again. The exit code is the tests', and the last thing printed is their summary.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { startShared } from './services/shared.ts'

const ALL = ['test/**/*.test.ts']
/** Of a suite, too: one with real servers waits for a slow disk. */
const TEST_TIMEOUT_MS = 480_000
/** Clusters of several processes that run beside one another on two cores tell more of the machine than of the code. */
const CONCURRENCY = process.env.CI === 'true' ? 1 : 2

const given = process.argv.slice(2)
const services = await startShared()
const child = spawn(
  process.execPath,
  [
    '--test',
    '--import',
    import.meta.resolve('./ends.ts'),
    '--test-reporter=spec',
    `--test-concurrency=${CONCURRENCY}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    ...(given.length > 0 ? given : ALL),
  ],
  { stdio: 'inherit', env: { ...process.env, ...services.environment } },
)
// An interrupt reaches the tests as well; the services are stopped once those have ended.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
const [code] = await once(child, 'exit')
await services.stop()
process.exitCode = typeof code === 'number' ? code : 1
