/** `npm run chaos -- NAME [options]`: faults on real processes and real servers, on this machine only. */
const SCRIPTS: Readonly<Record<string, () => Promise<{ readonly main: (argv: readonly string[]) => Promise<void> }>>> =
  {
    kill: () => import('./kill.ts'),
    stop: () => import('./stop.ts'),
    scale: () => import('./scale.ts'),
    suspicion: () => import('./suspicion.ts'),
    lose: () => import('./lose.ts'),
    partition: () => import('./partition.ts'),
    broker: () => import('./broker.ts'),
    replay: () => import('./replay.ts'),
  }

const [name = '', ...rest] = process.argv.slice(2)
const load = Object.hasOwn(SCRIPTS, name) ? SCRIPTS[name] : undefined
if (load === undefined) {
  console.error(`npm run chaos -- NAME [options]; names: ${Object.keys(SCRIPTS).join(', ')}`)
  process.exit(2)
}
await (await load()).main(rest)
