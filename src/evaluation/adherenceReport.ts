import type { Scene } from "../data/shapes/scene.ts";
import { bootstrapMean, type Estimate } from "./bootstrap.ts";
import { type Adherence, adherence } from "./judge/adherence.ts";
import type { Reading } from "./judge/reading.ts";

/** Shares of clips that show what their captions say, each with its bootstrap interval; null where nothing says so. */
export interface AdherenceReport {
  readonly all: number;
  readonly colour: number;
  readonly shape: number;
  readonly motion: number | null;
  readonly size: number | null;
  readonly count: number;
  readonly relation: number | null;
  readonly identity: number | null;
  /** Clips judged. */
  readonly n: number;
  readonly ci95: Readonly<Partial<Record<keyof Adherence, readonly [number, number]>>>;
}

/** Compares what clips show with the scenes that their captions told. */
export function reportAdherence(scenes: readonly Scene[], readings: readonly Reading[]): AdherenceReport {
  const judged = scenes.map((scene, i) => adherence(scene, readings[i] as Reading));
  const share = (attribute: keyof Adherence): Estimate | undefined => {
    const told = judged.map((one) => one[attribute]).filter((holds) => holds !== undefined);
    return told.length === 0 ? undefined : bootstrapMean(told.map(Number));
  };
  const names = ["all", "colour", "shape", "motion", "size", "count", "relation", "identity"] as const;
  const shares = new Map(names.map((name) => [name, share(name)]));
  const mean = (name: keyof Adherence): number | null => shares.get(name)?.mean ?? null;
  return {
    all: mean("all") ?? 0,
    colour: mean("colour") ?? 0,
    shape: mean("shape") ?? 0,
    motion: mean("motion"),
    size: mean("size"),
    count: mean("count") ?? 0,
    relation: mean("relation"),
    identity: mean("identity"),
    n: scenes.length,
    ci95: Object.fromEntries([...shares].flatMap(([name, one]) => (one === undefined ? [] : [[name, one.ci95]]))),
  };
}
