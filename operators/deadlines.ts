/**
 * Which of many windows owe something first: a binary heap of deadlines. A deadline that moved later is found out when it comes
 * to the top; one that moved earlier is added again. After `settle` the least is exact, so it does not depend on the way to it.
 */
export interface Due {
  /** The watermark at which it owes something; Infinity when it never will. */
  readonly deadline: number
  /** The least deadline that it is queued under; Infinity: it is not. Kept by the heap. */
  queued: number
}

interface Entry<Item> {
  readonly deadline: number
  readonly item: Item
}

export class Deadlines<Item extends Due> {
  readonly #heap: Entry<Item>[] = []

  /** To be called when an item is new, or its deadline may have become less. */
  queue(item: Item): void {
    if (item.deadline >= item.queued) return
    item.queued = item.deadline
    this.#push({ deadline: item.deadline, item })
  }

  /** Takes out all items that owe something at this watermark; they are to be queued again. */
  take(watermark: number): Item[] {
    const due: Item[] = []
    for (;;) {
      const { least } = this
      if (least > watermark || least === Number.POSITIVE_INFINITY) return due
      const { item } = this.#pop()
      item.queued = Number.POSITIVE_INFINITY
      due.push(item)
    }
  }

  /** The exact least deadline. */
  get least(): number {
    for (;;) {
      const [top] = this.#heap
      if (top === undefined) return Number.POSITIVE_INFINITY
      const { deadline, item } = top
      if (deadline === item.queued && deadline === item.deadline) return deadline
      this.#pop()
      if (deadline !== item.queued) continue
      item.queued = Number.POSITIVE_INFINITY
      this.queue(item)
    }
  }

  clear(): void {
    this.#heap.length = 0
  }

  #push(entry: Entry<Item>): void {
    const heap = this.#heap
    let at = heap.push(entry) - 1
    while (at > 0) {
      const above = (at - 1) >>> 1
      const parent = heap[above] as Entry<Item>
      if (parent.deadline <= entry.deadline) break
      heap[at] = parent
      at = above
    }
    heap[at] = entry
  }

  #pop(): Entry<Item> {
    const heap = this.#heap
    const top = heap[0] as Entry<Item>
    const last = heap.pop() as Entry<Item>
    if (heap.length === 0) return top
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      const right = heap[child + 1]
      if (right !== undefined && right.deadline < (heap[child] as Entry<Item>).deadline) child += 1
      const lesser = heap[child] as Entry<Item>
      if (lesser.deadline >= last.deadline) break
      heap[at] = lesser
      at = child
    }
    heap[at] = last
    return top
  }
}
