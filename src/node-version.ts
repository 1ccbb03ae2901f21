/** Which versions of Node run a peer: it keeps its votes in node:sqlite, which older ones do not have. */
export const PEER_NODE = '22.13'

export function runsPeers(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > 22 || (major === 22 && minor >= 13)
}
