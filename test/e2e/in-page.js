/**
 * What tests ask from inside a page, where there is a document and no TypeScript: given to every page before its own scripts
 * run, and called by name.
 */
const textOf = (node) => node.textContent.replace(/\s+/g, ' ').trim()

/** Red, green, blue and, where it is not 1, opacity. */
const channels = (colour) => (colour.match(/[\d.]+/g) ?? []).map(Number)

/** Relative luminance, as WCAG 2.2 defines it. */
function luminance(colour) {
  const [r, g, b] = channels(colour).map((value) => {
    const part = value / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

/** The colour behind an element. */
function groundOf(element) {
  for (let at = element; at !== null; at = at.parentElement) {
    const { backgroundColor } = getComputedStyle(at)
    if ((channels(backgroundColor)[3] ?? 1) > 0) return backgroundColor
  }
  return 'rgb(255, 255, 255)'
}

globalThis.inPage = {
  /** Rows of a section's table as a person reads them: cells by the titles of their columns. */
  rows(section) {
    const table = document.querySelector(`#${section} table`)
    const titles = [...(table?.tHead.rows[0].cells ?? [])].map(textOf)
    return [...(table?.tBodies[0].rows ?? [])].map((row) =>
      Object.fromEntries([...row.cells].map((cell, index) => [titles[index], textOf(cell)])),
    )
  },

  /** How many have signed, certificate by certificate. */
  signatures: () =>
    [...document.querySelectorAll('#certificates tbody tr')].map((row) => row.querySelectorAll('.chip.signed').length),

  /** What the keyboard is at. */
  focused: () => document.activeElement.getAttribute('name') ?? textOf(document.activeElement),

  /** The rest of the line in which the cursor of a text is. */
  lineAtCursor: (selector) => {
    const area = document.querySelector(selector)
    return area.value.slice(area.selectionStart).split('\n')[0]
  },

  width: () => document.documentElement.scrollWidth,

  /** Texts with less contrast to what is behind them than WCAG 2.2 asks of normal text (1.4.3): 4.5 to 1. */
  faintTexts: () =>
    [...document.querySelectorAll('body *:not(svg *, option)')].flatMap((element) => {
      const text = [...element.childNodes]
        .filter(({ nodeType }) => nodeType === Node.TEXT_NODE)
        .map(textOf)
        .join('')
      if (text === '' || !element.checkVisibility()) return []
      const [low, high] = [getComputedStyle(element).color, groundOf(element)].map(luminance).sort((a, b) => a - b)
      const ratio = (high + 0.05) / (low + 0.05)
      return ratio < 4.5 ? [`${ratio.toFixed(2)} to 1: ${text.slice(0, 40)}`] : []
    }),

  /** What those who hear the page would not be told: controls, sections, tables and figures without a name. */
  nameless() {
    const all = (selector, isNamed) =>
      [...document.querySelectorAll(selector)]
        .filter((each) => !isNamed(each))
        .map((each) => each.outerHTML.slice(0, 80))
    return [
      ...all('input, select, textarea', ({ labels }) => labels.length > 0),
      ...all('button, a', (each) => textOf(each) !== ''),
      ...all('section', (each) => {
        const heading = document.getElementById(each.getAttribute('aria-labelledby')) ?? each.querySelector('h2')
        return heading !== null || each.ariaLabel !== null
      }),
      ...all('table', (each) => each.caption !== null && each.querySelector('thead th[scope=col]') !== null),
      ...all('svg:not([aria-hidden=true])', ({ ariaLabel }) => ariaLabel !== null),
    ]
  },
}
