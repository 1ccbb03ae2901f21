/** Single key presses of a terminal. */
import type { ReadStream } from 'node:tty'

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'

/**
 * Keys as they are pressed, until `stop`; undefined where there is no terminal. Ctrl-C aborts `stop`, since a terminal
 * in raw mode sends no signal.
 */
export function keyPresses(input: ReadStream, stop: AbortController): AsyncIterable<string> | undefined {
  if (!input.isTTY) return undefined
  input.setRawMode(true)
  input.setEncoding('utf8')
  stop.signal.addEventListener('abort', () => {
    input.setRawMode(false)
    input.pause()
    input.destroy()
  })
  return presses(input, stop)
}

async function* presses(input: ReadStream, stop: AbortController): AsyncGenerator<string> {
  for await (const text of input as AsyncIterable<string>) {
    for (const key of text) {
      if (key === CTRL_C || key === CTRL_D || key === 'q') {
        stop.abort()
        return
      }
      yield key
    }
  }
}
