/**
 * Builds what the page shows. Everything from a peer becomes text: nothing here parses markup. Sections are built anew each
 * time and then laid over what is shown (morph.js).
 */
import { morph } from './morph.js'

const SVG = 'http://www.w3.org/2000/svg'

/**
 * @param {string} name
 * @param {{className?: string, [attribute: string]: unknown}} attributes undefined ones are left out
 * @param {...(Node | string)} children
 */
export function element(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children)
}

/** @param {string} name @param {{[attribute: string]: unknown}} attributes @param {...(Node | string)} children */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children)
}

function filled(made, attributes, children) {
  for (const [attribute, value] of Object.entries(attributes)) {
    if (value !== undefined) made.setAttribute(attribute === 'className' ? 'class' : attribute, String(value))
  }
  made.append(...children)
  return made
}

/** @typedef {'good' | 'waiting' | 'bad' | 'neutral'} Tone */

/** @param {string} text @param {Tone} tone */
export const badge = (text, tone) => element('span', { className: `badge ${tone}` }, text)

/** @param {string} text */
export const code = (text) => element('code', {}, text)

/** @param {...(Node | string)} children */
export const empty = (...children) => element('p', { className: 'empty' }, ...children)

/** What a column shows of a row is a node or a value; `number` aligns right, `wide` may wrap. */
/** @typedef {{title: string, hint?: string, kind?: 'number' | 'wide', cell: (row: any) => unknown}} Column */

/**
 * @param {string} caption for those who do not see the heading above
 * @param {readonly Column[]} columns
 * @param {readonly any[]} rows
 * @param {(row: any) => string} keyOf tells rows apart, so that one stays itself when others come before it
 */
export function table(caption, columns, rows, keyOf) {
  const head = columns.map(({ title, kind, hint }) =>
    element('th', { scope: 'col', className: kind, title: hint }, title),
  )
  const body = rows.map((row) => {
    const cells = columns.map(({ kind, cell }, index) => {
      const value = cell(row)
      const content = value instanceof Node ? value : valueText(value)
      const name = index === 0 ? 'th' : 'td'
      return element(name, { className: kind, scope: index === 0 ? 'row' : undefined }, content)
    })
    return element('tr', { 'data-key': keyOf(row) }, ...cells)
  })
  return element(
    'table',
    {},
    element('caption', { className: 'unseen' }, caption),
    element('thead', {}, element('tr', {}, ...head)),
    element('tbody', {}, ...body),
  )
}

/** @param {unknown} value */
export function valueText(value) {
  if (value === undefined || value === null || value === '') return '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Nodes in one line. @param {...(Node | string)} children */
export const line = (...children) => element('span', { className: 'line' }, ...children)

/** @param {string} id of a section, or of anything that holds a `.content` @param {...Node} nodes */
export function show(id, ...nodes) {
  const content = document.querySelector(`#${id} .content`)
  morph(content, filled(content.cloneNode(false), {}, nodes))
}

/** Tells those who do not see the page, once. @param {string} text */
export function announce(text) {
  const place = document.querySelector('#announcer')
  if (place.textContent !== text) place.textContent = text
}
