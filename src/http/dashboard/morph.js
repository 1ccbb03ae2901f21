/**
 * Makes what is shown equal to what was built, keeping every node that stays: focus, selection, scroll positions and opened
 * details live in nodes, and a page that renews itself every second must not take them away.
 */

/** Elements under one parent with the same `data-key` are the same thing. */
const keyOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? (node.getAttribute('data-key') ?? undefined) : undefined)

const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName

/** @param {Node} shown @param {Node} next used up: its nodes may become part of what is shown */
export function morph(shown, next) {
  if (shown.isEqualNode(next)) return
  if (shown.nodeType !== Node.ELEMENT_NODE) {
    if (shown.nodeValue !== next.nodeValue) shown.nodeValue = next.nodeValue
    return
  }
  morphAttributes(shown, next)
  morphChildren(shown, next)
}

function morphAttributes(shown, next) {
  for (const { name } of [...shown.attributes]) {
    // Whether details are open is the reader's.
    if (!next.hasAttribute(name) && name !== 'open') shown.removeAttribute(name)
  }
  for (const { name, value } of next.attributes) {
    if (shown.getAttribute(name) !== value) shown.setAttribute(name, value)
  }
}

function morphChildren(shown, next) {
  const keyed = new Map([...shown.children].map((child) => [keyOf(child), child]))
  let at = shown.firstChild
  for (const wanted of [...next.childNodes]) {
    const key = keyOf(wanted)
    const kept = key === undefined ? unkeyed(at, wanted) : keyed.get(key)
    if (kept === undefined || !alike(kept, wanted)) {
      shown.insertBefore(wanted, at)
      continue
    }
    if (kept === at) at = at.nextSibling
    else shown.insertBefore(kept, at)
    morph(kept, wanted)
  }
  while (at !== null) {
    const rest = at
    at = at.nextSibling
    rest.remove()
  }
}

const unkeyed = (at, wanted) => (at !== null && keyOf(at) === undefined && alike(at, wanted) ? at : undefined)
