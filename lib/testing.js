/** What `import … from 'quorate/testing'` loads; its types are those of src/testing/index.ts. */
import { load } from './load.js'

export const { loadFunctions, TestDriver } = await load('../src/testing/index.ts')
