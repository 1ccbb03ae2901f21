/**
 * Loaded into the process of each test file (run.ts): once its tests are done it must end. What keeps it (a server that nobody
 * closed, a thread that hangs) is a failure that says so; the runner by itself would wait for the file for ever.
 */
import process from 'node:process'
import { isMainThread } from 'node:worker_threads'

/** Services and clusters that belong to a whole file are stopped meanwhile. */
const END_WITHIN_MS = 120_000

// Threads of the product load this as well, and so does the runner.
if (isMainThread && process.env.NODE_TEST_CONTEXT !== undefined) {
  const { after } = await import('node:test')
  after(() => {
    const late = setTimeout(() => {
      const open = process.getActiveResourcesInfo().join(', ')
      console.error(`${process.argv[1]} did not end within ${END_WITHIN_MS} ms of its last test; still open: ${open}`)
      process.exit(1)
    }, END_WITHIN_MS)
    late.unref()
  })
}
