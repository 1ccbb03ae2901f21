/** Everything the page does can be done in a terminal: the commands, as they would be typed there, and copied from here. */
import { announce, element } from './dom.js'

/** Where `quorate` asks without --url. */
const USUAL = '127.0.0.1:7401'

/** A word as a shell takes it. @param {string} word */
const quoted = (word) => (/^[\w./:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)

/** @param {...string} words after `quorate` */
export const command = (...words) => commandAt(location.origin, ...words)

function commandAt(url, ...words) {
  const where = new URL(url).host === USUAL ? [] : ['--url', url]
  return ['quorate', ...words, ...where].map(quoted).join(' ')
}

/** @param {...string} words after `quorate` */
export const cli = (...words) => cliAt(location.origin, ...words)

/** @param {string} url of a peer @param {...string} words after `quorate` */
export const cliAt = (url, ...words) => element('span', { className: 'cli' }, ...cliParts(commandAt(url, ...words)))

function cliParts(text) {
  const button = element('button', { type: 'button', 'data-copy': text, 'aria-label': `Copy: ${text}` }, 'copy')
  // Browsers let pages copy only where nobody can change them on the way.
  return [element('code', {}, text), ...(navigator.clipboard === undefined ? [] : [button])]
}

/** Commands that stand in the page: `<span class="cli" data-words="status">`. */
export function fillCommands() {
  for (const place of document.querySelectorAll('[data-words]')) {
    place.replaceChildren(...cliParts(command(...place.dataset.words.split(' '))))
  }
}

document.addEventListener('click', async ({ target }) => {
  const button = target instanceof Element ? target.closest('[data-copy]') : null
  if (button === null) return
  await navigator.clipboard.writeText(button.dataset.copy)
  announce(`Copied: ${button.dataset.copy}`)
  button.classList.add('copied')
  setTimeout(() => button.classList.remove('copied'), 1000)
})
