/** What `import … from 'quorate/testing'` gives. */

export { type DeadLetter, type SendOptions, TestDriver, type TestDriverOptions } from './driver.ts'
export { loadFunctions } from './functions.ts'
