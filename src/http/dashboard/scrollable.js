/** What is too large for its place can be scrolled with the keyboard; what is not too large is no stop on the way. */

/** Looks again whenever the size of a place or of what is in it changes. */
export function watchScrollable() {
  const sizes = new ResizeObserver((entries) => {
    for (const { target } of entries) mark(target.closest('.scroll'))
  })
  for (const place of document.querySelectorAll('.scroll')) {
    const observe = () => {
      for (const child of place.children) sizes.observe(child)
    }
    sizes.observe(place)
    new MutationObserver(observe).observe(place, { childList: true })
    observe()
  }
}

function mark(place) {
  if (place === null) return
  const overflows = place.scrollHeight > place.clientHeight || place.scrollWidth > place.clientWidth
  if (overflows) place.tabIndex = 0
  else place.removeAttribute('tabindex')
}
