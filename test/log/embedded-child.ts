/** A process of its own that appends to an embedded log, one record after another, and says when it begins and ends. */
import { openLog } from '../../src/log/open.ts'

const [directory = '', topic = '', name = '', count = '0'] = process.argv.slice(2)
const log = await openLog({ kind: 'embedded', directory })
process.stdout.write('ready\n')
for (let i = 0; i < Number(count); i++) {
  await log.append({ topic, partition: 0 }, [{ key: null, value: Buffer.from(`${name}${i}`) }])
}
await log.close()
process.stdout.write('done\n')
