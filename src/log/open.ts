/** Opens the log that the settings name. */
import { EmbeddedLog } from './embedded/log.ts'
import { KafkaLog } from './kafka/log.ts'
import type { Log, LogSettings } from './log.ts'

/** @throws QuorateError QRT_LOG_UNREACHABLE, QRT_LOG_UNSUPPORTED, QRT_CONFIG_INVALID */
export async function openLog(settings: LogSettings): Promise<Log> {
  switch (settings.kind) {
    case 'embedded':
      return EmbeddedLog.open(settings.directory)
    case 'kafka':
      return new KafkaLog(settings)
  }
}
