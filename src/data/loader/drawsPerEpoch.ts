import { groupBy } from "../group.ts";
import type { OrderPlan } from "./globalOrder.ts";
import type { OrderedClip } from "./kindQueues.ts";

/** How often the clips of a kind come while all clips together come once. */
export interface KindDraws {
  readonly kind: string;
  /** 1 where the rates draw the kind in proportion to its clips and their weights. */
  readonly draws: number;
}

/**
 * How far kinds drift apart in the long run, rarest first. Rates that meet the wanted shares exactly give 1 for every
 * kind; few plans for many kinds cannot always, and then some clips come more often than others, epoch after epoch.
 */
export function drawsPerEpoch(
  plans: readonly OrderPlan[],
  clips: readonly Pick<OrderedClip, "kind" | "weight">[],
): KindDraws[] {
  const places = new Map<string, number>();
  for (const { kinds, rate } of plans) {
    for (const kind of kinds) places.set(kind, (places.get(kind) ?? 0) + rate);
  }
  const weightOf = (members: readonly Pick<OrderedClip, "weight">[]) =>
    members.reduce((sum, { weight }) => sum + weight, 0);
  const perPack = [...places.values()].reduce((sum, rate) => sum + rate, 0);
  const total = weightOf(clips);
  return [...groupBy(clips, ({ kind }) => kind)]
    .map(([kind, members]) => ({ kind, draws: ((places.get(kind) ?? 0) * total) / (perPack * weightOf(members)) }))
    .sort((a, b) => a.draws - b.draws || (a.kind < b.kind ? -1 : 1));
}
