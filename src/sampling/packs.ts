import { groupBy } from "../data/group.ts";
import type { FlowConfig } from "./flow.ts";
import { KeptFlow } from "./keptFlow.ts";
import type { LatentDrawer } from "./latentDrawer.ts";

/** Clips drawn at once: enough to keep every core busy, few enough for memory. */
const CLIPS_AT_ONCE = 16;

/**
 * Draws any number of clips, those alike together, so that one program serves many packs.
 * @param keyOf equal for clips of one size.
 * @param draw some clips, with what is kept from pack to pack.
 * @param onClips told after each pack how many are done.
 * @returns what was drawn, in the order of the wanted.
 */
export async function drawInPacks<Wanted, Drawn>(
  drawer: LatentDrawer,
  cfg: FlowConfig,
  wanted: readonly Wanted[],
  keyOf: (one: Wanted) => string,
  draw: (part: readonly Wanted[], kept: KeptFlow) => Promise<readonly Drawn[]>,
  onClips: (done: number) => void = () => {},
): Promise<Drawn[]> {
  const drawn = new Array<Drawn>(wanted.length);
  const kept = new KeptFlow(drawer, cfg);
  let done = 0;
  try {
    for (const alike of groupBy([...wanted.keys()], (i) => keyOf(wanted[i] as Wanted)).values()) {
      for (let first = 0; first < alike.length; first += CLIPS_AT_ONCE) {
        const part = alike.slice(first, first + CLIPS_AT_ONCE);
        const some = await draw(
          part.map((i) => wanted[i] as Wanted),
          kept,
        );
        for (const [k, i] of part.entries()) drawn[i] = some[k] as Drawn;
        done += part.length;
        onClips(done);
      }
    }
    return drawn;
  } finally {
    await kept.dispose();
  }
}
