/**
 * Builds what the page shows. Everything from a peer becomes text: nothing here parses markup.
 */

/**
 * @param {string} name
 * @param {{className?: string, [attribute: string]: unknown}} attributes
 * @param {...(Node | string)} children
 */
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name)
  for (const [attribute, value] of Object.entries(attributes)) {
    if (attribute === 'className') made.className = String(value)
    else if (value !== undefined) made.setAttribute(attribute, String(value))
  }
  made.append(...children)
  return made
}

/** @param {string} text @param {'good' | 'waiting' | 'bad'} tone */
export const badge = (text, tone) => element('span', { className: `badge ${tone}` }, text)

/** @param {string} text */
export const code = (text) => element('code', {}, text)

/** @param {string} text */
export const empty = (text) => element('p', { className: 'empty' }, text)

/**
 * A column's cell is a node or a value; `number` aligns right, `wide` may wrap.
 * @param {readonly {title: string, kind?: 'number' | 'wide', cell: (row: any) => unknown}[]} columns
 * @param {readonly unknown[]} rows
 */
export function table(columns, rows) {
  const head = columns.map(({ title, kind }) => element('th', { scope: 'col', className: kind ?? '' }, title))
  const body = rows.map((row) =>
    element(
      'tr',
      {},
      ...columns.map(({ kind, cell }) => {
        const value = cell(row)
        return element('td', { className: kind ?? '' }, value instanceof Node ? value : valueText(value))
      }),
    ),
  )
  return element('table', {}, element('thead', {}, element('tr', {}, ...head)), element('tbody', {}, ...body))
}

/** @param {unknown} value */
export function valueText(value) {
  if (value === undefined || value === null || value === '') return '–'
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/**
 * Replaces what a section shows, and nothing when it would look the same: a reader's selection and scroll position stay.
 * @param {string} section @param {...Node} nodes
 */
export function show(section, ...nodes) {
  const content = document.querySelector(`#${section} .content`)
  const next = element('div', {}, ...nodes)
  if (content.firstElementChild?.isEqualNode(next)) return
  content.replaceChildren(next)
}

/** @param {{seq: number, part: number} | undefined} position */
export const positionText = (position) => (position === undefined ? undefined : `${position.seq}.${position.part}`)

/** Seconds and minutes for people. @param {number} ms */
export function ago(ms) {
  if (ms < 1000) return 'now'
  if (ms < 120_000) return `${Math.round(ms / 1000)} s ago`
  return `${Math.round(ms / 60_000)} min ago`
}
