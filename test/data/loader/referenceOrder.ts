/** The global order written down a second time, the long way: every draw as a job with a window, every epoch laid out. */
import { KeyedRandom } from "../../../src/base/random.ts";
import type { Drawn, OrderPlan } from "../../../src/data/loader/globalOrder.ts";
import type { OrderedClip } from "../../../src/data/loader/kindQueues.ts";

interface Job {
  readonly of: number;
  readonly from: number;
  readonly due: number;
}

/** Which of several things comes at each of `length` turns: of the jobs that may come, the one that is due first. */
export function referenceTurns(rates: readonly number[], length: number): number[] {
  const total = rates.reduce((sum, rate) => sum + rate, 0);
  const jobs: Job[] = rates.flatMap((rate, of) => {
    const count = Math.ceil((length * rate) / total) + 1;
    return Array.from({ length: count }, (_, j) => ({ of, from: (j * total) / rate, due: (j + 1) / rate }));
  });
  jobs.sort((a, b) => a.due - b.due || a.of - b.of);
  return Array.from({ length }, (_, n) => {
    const at = jobs.findIndex(({ from }) => from < n + 1);
    return jobs.splice(at, 1)[0]?.of as number;
  });
}

/** Epochs of some clips end to end, `length` draws of them. */
function referenceEpochs(clips: readonly number[], seed: number, kind: string, source: number, length: number) {
  const order: number[] = [];
  for (let epoch = 0; order.length < length; epoch++) {
    const random = new KeyedRandom(seed, "loader.order", kind, source, epoch);
    const rest = [...clips];
    for (let last = rest.length - 1; last > 0; last--) {
      const other = random.int(last + 1);
      [rest[last], rest[other]] = [rest[other] as number, rest[last] as number];
    }
    order.push(...rest);
  }
  return order.slice(0, length);
}

/** All packs at once, instead of one after the other. */
export function referencePacks(
  plans: readonly OrderPlan[],
  clips: readonly OrderedClip[],
  seed: number,
  length: number,
): Drawn[] {
  const turns = referenceTurns(
    plans.map(({ rate }) => rate),
    length,
  );
  const needed = new Map<string, number>();
  for (const plan of turns) for (const kind of plans[plan]?.kinds ?? []) needed.set(kind, (needed.get(kind) ?? 0) + 1);
  const drawsOf = new Map<string, number[]>();
  for (const [kind, count] of needed) {
    const members = clips.filter((clip) => clip.kind === kind);
    const sources = [...new Set(members.map(({ source }) => source))].sort((a, b) => a - b);
    const of = (source: number) => members.filter((clip) => clip.source === source);
    const weights = sources.map((source) => of(source).reduce((sum, { weight }) => sum + weight, 0));
    const streams = sources.map((source) => {
      const indices = of(source).map(({ index }) => index);
      return referenceEpochs(indices, seed, kind, source, count)[Symbol.iterator]();
    });
    drawsOf.set(
      kind,
      referenceTurns(weights, count).map((which) => streams[which]?.next().value as number),
    );
  }
  return turns.map((plan, pack) => ({
    plan,
    pack,
    clips: (plans[plan]?.kinds ?? []).map((kind) => drawsOf.get(kind)?.shift() as number),
  }));
}
