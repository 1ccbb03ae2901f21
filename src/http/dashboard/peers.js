/** Peers as they are told apart on the page: each has its colour, from its place in the view, and its name beside it. */
import { element } from './dom.js'

/** As many as the style sheet has. */
const COLOURS = 8

/** What one round of questions gave, in the forms that sections need. */
export class Peers {
  #members
  #places

  /** @param {readonly any[]} members @param {{members: readonly string[]}} ring */
  constructor(members, ring) {
    this.#members = new Map(members.map((member) => [member.id, member]))
    this.#places = new Map(ring.members.map((id, index) => [id, index]))
  }

  /** @param {string} id */
  name(id) {
    const name = this.#members.get(id)?.name
    return name === undefined || name === '' ? id.slice(0, 8) : name
  }

  /** A peer that nobody has heard of is not alive. @param {string} id */
  alive(id) {
    return this.#members.get(id)?.state === 'alive'
  }

  /** A class of the style sheet. @param {string} id */
  colour(id) {
    const place = this.#places.get(id)
    return place === undefined ? 'peer-none' : `peer-${place % COLOURS}`
  }

  /** @param {string} id @param {string} className how it stands in what is shown @param {string} [hint] */
  chip(id, className = '', hint = undefined) {
    const down = this.alive(id) ? '' : 'down'
    return element('span', { className: `chip ${this.colour(id)} ${className} ${down}`, title: hint }, this.name(id))
  }

  /** Who writes the results of a unit: the first of its replicas that is there. @param {readonly string[]} replicas */
  committer(replicas) {
    return replicas.find((id) => this.alive(id))
  }

  /** Others that answer, with a page of their own. */
  elsewhere() {
    return [...this.#members.values()].filter(({ self, state, httpAddress }) => {
      return !self && state === 'alive' && isWeb(httpAddress)
    })
  }
}

/** Only a web address becomes a link. @param {string} address */
export const isWeb = (address) => /^https?:\/\//.test(address)

/** To a peer's own page. @param {any} member */
export const peerLink = ({ name, httpAddress }) => element('a', { href: httpAddress, rel: 'noreferrer' }, name)
