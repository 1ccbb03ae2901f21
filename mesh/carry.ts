/** Carries the effects of an agreement core out: through the outbox, in their order, and events to whoever listens. */
import type { AgreementEffect } from './agreement/effects.ts'
import type { CutPosition } from './agreement/types.ts'
import type { PeerId } from './ids.ts'
import type { Outbox } from './outbox.ts'
import type { Wire } from './transport/transport.ts'

export interface Carrier<Event> {
  readonly outbox: Outbox
  readonly send: (to: PeerId, body: Wire) => void
  readonly tell: (to: PeerId, term: number, after: CutPosition | undefined) => void
  readonly onEvent: (event: Event) => void
}

export function carry<Event>(effects: readonly AgreementEffect<Event>[], carrier: Carrier<Event>): void {
  const { outbox, send, tell, onEvent } = carrier
  for (const effect of effects) {
    switch (effect.kind) {
      case 'persist':
        outbox.persist(effect.ops)
        break
      case 'sign':
        outbox.sign(effect.statement, effect.attachment, effect.to)
        break
      case 'send':
        outbox.after(() => send(effect.to, effect.body))
        break
      case 'tell':
        outbox.after(() => tell(effect.to, effect.term, effect.after))
        break
      case 'event':
        onEvent(effect.event)
        break
    }
  }
}
