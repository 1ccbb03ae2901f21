/** What configs/jobs/flight-delays.yaml says, in TypeScript: quorate submit flight-delays.ts */
import { stream } from 'quorate'

interface Flight {
  readonly date: string
  readonly origin: string
  readonly destination: string
  readonly delay: number
  readonly distance: number
}

export default stream<Flight>('flights', { time: { field: 'date', pattern: 'yyyy/MM/dd HH:mm' } })
  .filter('distance', '>=', 100)
  .keyBy('origin')
  .window({ tumbling: '1d' })
  .aggregate({
    flights: 'count()',
    delayed: { count: 'delay > 15' },
    meanDelay: { avg: 'delay' },
    worst: { max: 'delay' },
  })
  .to({ kafka: { topic: 'flight-delays' } })
  .job('flight-delays', { quorum: { file: '../quorum/majority.yaml' } })
