/**
 * One flaw of kafkajs 2.2.4, corrected for all its clients in this process: after every answer it sets a timer to look for
 * requests that wait, also when none does, for a time in the past. That costs a timer per answer, and Node 24 prints a
 * warning about it. With this, it looks when there is something to look for.
 */
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js'

const schedule = RequestQueue.prototype.scheduleCheckPendingRequests

RequestQueue.prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.pending.length > 0) schedule.call(this)
}
