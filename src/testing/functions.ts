/** Functions of a module, for jobs that are tested. */
import { loadFunctions as load, readFunctions } from '../functions/module.ts'

/**
 * Lets jobs that are built or driven from now on call the functions of a module, as peers do that are started with it.
 * @throws QuorateError QRT_CONFIG_INVALID with what is wrong with it
 */
export async function loadFunctions(file: string): Promise<void> {
  await load(readFunctions(file))
}
