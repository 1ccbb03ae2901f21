/**
 * Whether two plain values say the same, as their canonical texts would: the order of fields means nothing, and a field that
 * is undefined is none. Checks compare whole terms with it each time that one is told, which is too often for texts.
 */
export function sameData(one: unknown, other: unknown): boolean {
  if (one === other) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  if (Array.isArray(one)) {
    if (!Array.isArray(other) || one.length !== other.length) return false
    for (let i = 0; i < one.length; i++) if (!sameData(one[i], other[i])) return false
    return true
  }
  if (Array.isArray(other)) return false
  const [a, b] = [one as Readonly<Record<string, unknown>>, other as Readonly<Record<string, unknown>>]
  for (const name in a) if (!sameData(a[name], b[name])) return false
  for (const name in b) if (a[name] === undefined && b[name] !== undefined) return false
  return true
}
