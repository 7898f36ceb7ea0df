import { UserError } from "../../base/errors.ts";
import { KeyedRandom } from "../../base/random.ts";
import { groupBy } from "../group.ts";
import type { OrderedClip } from "./kindQueues.ts";

/** What can take the place of what. */
export type SpareClip = Pick<OrderedClip, "index" | "kind" | "source">;

/**
 * Who comes in the place of a damaged clip: another of its kind and source, or of its kind where none of its source is
 * whole. From a place drawn by (seed, pack, place in the pack) the clips are tried in turn. So who it is follows from the
 * clips and which of them are damaged, never from what was met before: a run that was stopped and goes on, or that runs
 * on other ranks or threads, has the same substitutes. The order of all other clips stays as it is.
 */
export class Spares {
  private readonly clips: readonly SpareClip[];
  private readonly seed: number;
  /** Made when the first is needed. */
  private groups: { readonly byIndex: ReadonlyMap<number, SpareClip>; readonly byKind: SparesByKind } | undefined;

  constructor(clips: readonly SpareClip[], seed: number) {
    this.clips = clips;
    this.seed = seed;
  }

  /**
   * Drawn clips with the damaged ones replaced. @param pack number of the pack that they are drawn for.
   * @throws UserError when every clip of a kind is damaged.
   */
  replace(drawn: readonly number[], pack: number, isDamaged: (index: number) => boolean): readonly number[] {
    if (!drawn.some(isDamaged)) return drawn;
    return drawn.map((index, place) => (isDamaged(index) ? this.spare(index, pack, place, isDamaged) : index));
  }

  private spare(index: number, pack: number, place: number, isDamaged: (index: number) => boolean): number {
    this.groups ??= grouped(this.clips);
    const { byIndex, byKind } = this.groups;
    const { kind, source } = byIndex.get(index) as SpareClip;
    const ofKind = byKind.get(kind) as readonly SpareClip[];
    const random = new KeyedRandom(this.seed, "loader.spare", kind, pack, place);
    for (const members of [ofKind.filter((clip) => clip.source === source), ofKind]) {
      const start = random.int(members.length);
      for (let i = 0; i < members.length; i++) {
        const spare = members[(start + i) % members.length] as SpareClip;
        if (!isDamaged(spare.index)) return spare.index;
      }
    }
    throw new UserError("data", {
      expected: `a clip of ${kind} that is whole`,
      got: `${ofKind.length} that are all damaged`,
      try: "`kinema data verify` to see what is wrong",
    });
  }
}

type SparesByKind = ReadonlyMap<string, readonly SpareClip[]>;

function grouped(clips: readonly SpareClip[]) {
  return { byIndex: new Map(clips.map((clip) => [clip.index, clip])), byKind: groupBy(clips, ({ kind }) => kind) };
}
