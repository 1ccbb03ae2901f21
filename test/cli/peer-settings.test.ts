/** What a peer is started with, from what was given: durations of the view as the mesh has them by itself. */
import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { DEFAULT_VIEW_SETTINGS } from '../../mesh/view-keeper.ts'
import { peerSettings } from '../../src/cli/peer-settings.ts'
import { NO_CONFIG } from '../../src/config.ts'

const viewOf = (flags: Readonly<Record<string, string>>) =>
  peerSettings({ flags, environment: {}, terminal: false }, NO_CONFIG).view

describe('when peers are admitted and removed', () => {
  it('is what the mesh does by itself, where nothing is said', () => {
    const { admitAfterMs, removeAfterMs } = DEFAULT_VIEW_SETTINGS
    assert.deepEqual(viewOf({}), { admitAfterMs, removeAfterMs })
  })

  it('is what was said', () => {
    const flags = { 'admit-after': '500ms', 'remove-after': '1h' }
    assert.deepEqual(viewOf(flags), { admitAfterMs: 500, removeAfterMs: 3_600_000 })
    assert.equal(viewOf({ 'remove-after': 'never' }).removeAfterMs, undefined)
  })
})
