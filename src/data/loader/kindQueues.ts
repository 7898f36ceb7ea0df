import { groupBy } from "../group.ts";
import { ClipQueue } from "./clipQueue.ts";
import { Quota } from "./quota.ts";

/** A clip that may be drawn. */
export interface OrderedClip {
  /** Dataset index. */
  readonly index: number;
  /** What it is drawn as: its grid in tokens, or its shape. */
  readonly kind: string;
  /** Number of its source, from 0. */
  readonly source: number;
  /** How often it is drawn against a clip of weight 1, positive. */
  readonly weight: number;
}

/** A queue: how many clips of one kind and source are in it, and how many were drawn, all epochs together. */
export interface QueueState {
  readonly kind: string;
  readonly source: number;
  readonly clips: number;
  readonly drawn: number;
}

/** All clips of one kind: a queue for each source (and weight, should a source have several), which take turns. */
export class KindQueues {
  private readonly kind: string;
  private readonly sources: readonly number[];
  private readonly queues: readonly ClipQueue[];
  private readonly turns: Quota;

  /** @param clips of this kind, at least one. */
  constructor(kind: string, clips: readonly OrderedClip[], seed: number) {
    const groups = [...groupBy(clips, ({ source, weight }) => `${source} ${weight}`).values()]
      .map((members) => ({ source: members[0]?.source ?? 0, weight: members[0]?.weight ?? 0, members }))
      .sort((a, b) => a.source - b.source || a.weight - b.weight);
    this.kind = kind;
    this.sources = groups.map(({ source }) => source);
    this.queues = groups.map(({ source, weight, members }) => {
      const indices = members.map(({ index }) => index);
      const before = groups.filter((group) => group.source === source && group.weight < weight).length;
      return new ClipQueue(indices, seed, kind, source, ...(before === 0 ? [] : [before]));
    });
    this.turns = new Quota(groups.map(({ weight, members }) => weight * members.length));
  }

  /** The next clip. */
  next(): number {
    const { which, before } = this.turns.next();
    return (this.queues[which] as ClipQueue).at(before);
  }

  get states(): QueueState[] {
    const { drawn } = this.turns;
    return this.queues.map(({ size }, i) => ({
      kind: this.kind,
      source: this.sources[i] as number,
      clips: size,
      drawn: drawn[i] as number,
    }));
  }

  /** @param drawn of each of `states`. */
  restore(drawn: readonly number[]): void {
    this.turns.restore(drawn);
  }
}
