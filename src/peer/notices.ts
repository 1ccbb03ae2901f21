/** What is so of the cluster's members that is not so every day: who is leaving, and which identities do not come back. */
import type { Member, MeshNode, PeerId } from '../../mesh/index.ts'

/** In sentences. Of identities that do not come back, those that gossip still remembers. */
export function noticesOf(node: Pick<MeshNode, 'document' | 'leaving' | 'members'>): string[] {
  const { document, leaving } = node
  if (document === undefined) return []
  const { view, names, banned } = document
  const members = node.members()
  return [
    ...members
      .filter(({ id }) => leaving.has(id) && view.members.includes(id))
      .map((member) => `${called(member)} is leaving the cluster`),
    ...members
      .filter(({ id }) => leaving.has(id) && !view.members.includes(id))
      .map((member) => `${called(member)} has left the view, and goes on until others hold what it holds`),
    ...members.filter(({ id }) => banned.includes(id)).map((member) => retired(member, names)),
  ]
}

function retired(member: Member, names: Readonly<Record<PeerId, string>>): string {
  const successor = (Object.entries(names) as [PeerId, string][]).find(([, name]) => name === member.name)
  if (successor === undefined) return `${called(member)} was removed for good`
  return `${called(member)} was replaced by ${successor[0].slice(0, 8)}, which has its name and its place`
}

const called = ({ id, name }: Member): string => (name === '' ? id.slice(0, 8) : `${name} (${id.slice(0, 8)})`)
