/** `npm run bench -- NAME [options]`: benchmarks print figures and judge nothing, because machines differ. */
const BENCHES: Readonly<Record<string, () => Promise<{ readonly main: (argv: readonly string[]) => Promise<void> }>>> =
  {
    log: () => import('./log.ts'),
    operators: () => import('./operators.ts'),
    path: () => import('./path.ts'),
    rejections: () => import('./rejections.ts'),
    scan: () => import('./scan.ts'),
  }

const [name = '', ...rest] = process.argv.slice(2)
const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
if (load === undefined) {
  console.error(`npm run bench -- NAME [options]; names: ${Object.keys(BENCHES).join(', ')}`)
  process.exit(2)
}
await (await load()).main(rest)
