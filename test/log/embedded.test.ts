import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LOG_FILE } from '../../src/log/embedded/database.ts'
import { openLog } from '../../src/log/open.ts'
import { type LogHarness, logContract } from '../contract/log.contract.ts'

logContract('embedded log', async (): Promise<LogHarness> => {
  const directory = await mkdtemp(join(tmpdir(), 'quorate-log-'))
  const settings = { kind: 'embedded', directory } as const
  return {
    settings,
    open: () => openLog(settings),
    async abort(partition, records) {
      // What fails inside a transaction rolls it back.
      const log = await openLog(settings)
      const writer = await log.openWriter('given up', 'progress of what is given up')
      const mixed = new Map([
        [partition, records],
        [{ topic: 'nowhere', partition: 0 }, records],
      ])
      await writer.commit(mixed, new Uint8Array()).catch(() => undefined)
      await log.close()
    },
    bytes: async () => (await stat(join(directory, `${LOG_FILE}-wal`))).size,
    dispose: () => rm(directory, { recursive: true, force: true }),
  }
})
