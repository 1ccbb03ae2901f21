/**
 * Loads a TypeScript module of this package. Plain JavaScript, since Node runs TypeScript itself from version 24 on, but never
 * below node_modules; there, and on older versions, tsx does, for the modules of this package alone.
 */
export async function load(path) {
  const url = new URL(path, import.meta.url)
  const [major = 0] = process.versions.node.split('.').map(Number)
  if (major >= 24 && !url.pathname.includes('/node_modules/')) return import(url.href)
  const { tsImport } = await import('tsx/esm/api')
  return tsImport(url.href, import.meta.url)
}
