import { assert } from "../../base/errors.ts";
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
  /** How often it is drawn against a clip of weight 1; alike for all clips of one source and kind. */
  readonly weight: number;
}

/** Clips of one kind and source, and how many of them were drawn, all epochs together. */
export interface QueueState {
  readonly kind: string;
  readonly source: number;
  readonly clips: number;
  readonly drawn: number;
}

/** All clips of one kind: a queue for each source, and whose turn it is by the weights. */
export class KindQueues {
  private readonly kind: string;
  private readonly sources: readonly number[];
  private readonly queues: readonly ClipQueue[];
  private readonly turns: Quota;

  /** @param clips of this kind, at least one. */
  constructor(kind: string, clips: readonly OrderedClip[], seed: number) {
    const bySource = [...groupBy(clips, ({ source }) => String(source)).values()]
      .map((members) => ({ source: members[0]?.source ?? 0, weight: members[0]?.weight ?? 0, members }))
      .sort((a, b) => a.source - b.source);
    for (const { weight, members } of bySource) {
      assert(
        members.every((clip) => clip.weight === weight),
        "clips of one source and kind weigh alike",
      );
    }
    this.kind = kind;
    this.sources = bySource.map(({ source }) => source);
    this.queues = bySource.map(({ source, members }) => {
      const indices = members.map(({ index }) => index);
      return new ClipQueue(indices, seed, kind, source);
    });
    this.turns = new Quota(bySource.map(({ weight, members }) => weight * members.length));
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
