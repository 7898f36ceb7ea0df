import type { Epochs } from "../loader/globalOrder.ts";
import type { PoolSource } from "./clipPool.ts";

/** Epochs as a log names them: `epoch`, and `epoch/<source>` for each where there are several. */
export function epochsByName(
  { all, sources }: Epochs,
  named: readonly Pick<PoolSource, "name">[],
): Readonly<Record<string, number>> {
  if (named.length === 1) return { epoch: all };
  return { epoch: all, ...Object.fromEntries(named.map(({ name }, i) => [`epoch/${name}`, sources[i] ?? 0])) };
}
