/** What `import … from 'quorate'` loads; its types are those of src/builder/index.ts. */
import { load } from './load.js'

export const { cel, Job, join, stream, union } = await load('../src/builder/index.ts')
