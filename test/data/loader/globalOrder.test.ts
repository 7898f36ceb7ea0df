import assert from "node:assert/strict";
import fc from "fast-check";
import { type Drawn, GlobalOrder, type OrderPlan } from "../../../src/data/loader/globalOrder.ts";
import type { OrderedClip } from "../../../src/data/loader/kindQueues.ts";
import { referencePacks } from "./referenceOrder.ts";

/** Clips as `[kind, source, weight, how many]`, shuffled together as a dataset has them. */
function clipsOf(...groups: readonly (readonly [string, number, number, number])[]): OrderedClip[] {
  const clips = groups.flatMap(([kind, source, weight, count]) =>
    Array.from({ length: count }, () => ({ kind, source, weight })),
  );
  return clips.map((clip, i) => ({ ...clip, index: (i * 7919) % clips.length })).sort((a, b) => a.index - b.index);
}

/** Plans that draw kinds in proportion to their clips: in 30 packs each clip comes once. */
const clips = clipsOf(["a", 0, 1, 60], ["b", 0, 1, 30], ["c", 0, 1, 13]);
const plans: readonly OrderPlan[] = [
  { kinds: ["a", "a", "a", "b"], rate: 16 },
  { kinds: ["a", "a", "b"], rate: 1 },
  { kinds: ["a", "b", "c"], rate: 10 },
  { kinds: ["b", "c"], rate: 3 },
];
const EPOCH = 30;

function packsOf(order: GlobalOrder, count: number): Drawn[] {
  return Array.from({ length: count }, () => order.next());
}

/** What was drawn of one kind, in order. */
function drawsOf(kind: string, packs: readonly Drawn[]): number[] {
  return packs.flatMap(({ plan, clips: drawn }) => drawn.filter((_, i) => plans[plan]?.kinds[i] === kind));
}

/** Random settings: kinds in several sources, plans that hold them all. */
const settings = fc
  .record({
    seed: fc.nat(1000),
    groups: fc.array(fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 3 })), {
      minLength: 1,
      maxLength: 6,
    }),
    more: fc.array(fc.tuple(fc.array(fc.nat(5), { minLength: 1, maxLength: 6 }), fc.integer({ min: 1, max: 50 })), {
      maxLength: 5,
    }),
  })
  .map(({ seed, groups, more }) => {
    const kinds = groups.map((_, i) => `kind ${i}`);
    const all = groups.flatMap(([count, sources], i) =>
      Array.from({ length: sources }, (_, s) => [kinds[i] as string, s, s + 1, count] as const),
    );
    const some = more.map(([picks, rate]) => ({ kinds: picks.map((i) => kinds[i % kinds.length] as string), rate }));
    return { seed, clips: clipsOf(...all), plans: [{ kinds, rate: 7 }, ...some] };
  });

describe("GlobalOrder", () => {
  it("draws each kind's clips in permutations over three epochs, as a second account of the order has them", () => {
    const packs = packsOf(new GlobalOrder(plans, clips, 5), 3 * EPOCH);
    assert.deepEqual(packs, referencePacks(plans, clips, 5, 3 * EPOCH));
    for (const [kind, count] of [
      ["a", 60],
      ["b", 30],
      ["c", 13],
    ] as const) {
      const draws = drawsOf(kind, packs);
      assert.equal(draws.length, 3 * count);
      const epochs = [0, 1, 2].map((epoch) => draws.slice(epoch * count, (epoch + 1) * count));
      const members = clips.filter((clip) => clip.kind === kind).map(({ index }) => index);
      for (const epoch of epochs) {
        assert.deepEqual(
          [...epoch].sort((a, b) => a - b),
          members,
        );
      }
      assert.equal(new Set(epochs.map(String)).size, 3, "each epoch in another order");
    }
  });

  it("is the same as its second account for any plans, clips and seed", () => {
    fc.assert(
      fc.property(settings, ({ plans: some, clips: drawn, seed }) => {
        assert.deepEqual(packsOf(new GlobalOrder(some, drawn, seed), 120), referencePacks(some, drawn, seed, 120));
      }),
      { numRuns: 60 },
    );
  });

  it("is one order whatever the number of ranks, and all ranks stand at the same place after each step", () => {
    const packs = packsOf(new GlobalOrder(plans, clips, 5), 3 * EPOCH);
    const perStep = 4;
    for (const numRanks of [1, 2, 4]) {
      const ranks = Array.from({ length: numRanks }, (_, rank) => new GlobalOrder(plans, clips, 5, { rank, numRanks }));
      for (let step = 0; step < Math.floor(packs.length / perStep); step++) {
        const drawn = ranks.flatMap((order) => packsOf(order, perStep / numRanks));
        assert.deepEqual(
          drawn.sort((a, b) => a.pack - b.pack),
          packs.slice(step * perStep, (step + 1) * perStep),
        );
        for (const order of ranks) assert.deepEqual(order.state, ranks[0]?.state);
      }
    }
  });

  it("continues the very sequence from any stop, with as many ranks or others", () => {
    const stops = fc.nat(40);
    const ranks = fc.constantFrom(1, 2, 4);
    fc.assert(
      fc.property(settings, stops, ranks, ranks, ({ plans: some, clips: drawn, seed }, stop, before, after) => {
        const packs = packsOf(new GlobalOrder(some, drawn, seed), 4 * stop + 40);
        const first = new GlobalOrder(some, drawn, seed, { rank: before - 1, numRanks: before });
        packsOf(first, (4 * stop) / before);
        const saved: unknown = JSON.parse(JSON.stringify(first.state));
        const resumed = Array.from({ length: after }, (_, rank) => {
          const order = new GlobalOrder(some, drawn, seed, { rank, numRanks: after });
          order.next();
          order.restore(saved);
          return packsOf(order, 40 / after);
        });
        assert.deepEqual(
          resumed.flat().sort((a, b) => a.pack - b.pack),
          packs.slice(4 * stop),
        );
      }),
      { numRuns: 60 },
    );
  });

  it("keeps kinds in step: none is further from the mean epoch than its places over its clips", () => {
    const order = new GlobalOrder(plans, clips, 5);
    for (let n = 1; n <= 20 * EPOCH; n++) {
      order.next();
      const { queues } = order.state;
      for (const { kind, clips: size, drawn } of queues) {
        const places = plans.flatMap(({ kinds }) => kinds).filter((other) => other === kind).length;
        assert.ok(Math.abs(drawn / size - n / EPOCH) < places / size, `${kind} at ${drawn} after ${n} packs`);
      }
      if (n % EPOCH === 0) for (const { clips: size, drawn } of queues) assert.equal(drawn, (n / EPOCH) * size);
    }
  });

  it("draws sources at their weights, each in permutations of its own", () => {
    const mixed = clipsOf(["a", 0, 1, 30], ["a", 1, 3, 10], ["a", 2, 0.5, 8]);
    const order = new GlobalOrder([{ kinds: ["a", "a"], rate: 1 }], mixed, 9);
    const draws = packsOf(order, 320).flatMap(({ clips: drawn }) => drawn);
    const wanted = [30 / 64, 30 / 64, 4 / 64];
    for (const [source, share] of wanted.entries()) {
      const members = mixed.filter((clip) => clip.source === source).map(({ index }) => index);
      const own = draws.filter((clip) => members.includes(clip));
      assert.equal(own.length, share * 640);
      for (let n = 1; n <= draws.length; n++) {
        const count = draws.slice(0, n).filter((clip) => members.includes(clip)).length;
        assert.ok(Math.abs(count - n * share) < 1);
      }
      for (let epoch = 0; (epoch + 1) * members.length <= own.length; epoch++) {
        assert.equal(new Set(own.slice(epoch * members.length, (epoch + 1) * members.length)).size, members.length);
      }
    }
    assert.deepEqual(order.epochs, { all: 640 / 48, sources: [10, 30, 5] });
  });

  it("draws a kind in permutations as a whole where its sources weigh alike", () => {
    const mixed = clipsOf(["a", 0, 2, 17], ["a", 1, 2, 5], ["a", 4, 2, 1]);
    const order = new GlobalOrder([{ kinds: ["a", "a", "a"], rate: 1 }], mixed, 9);
    const draws = packsOf(order, 23).flatMap(({ clips: drawn }) => drawn);
    for (const epoch of [0, 1, 2]) assert.equal(new Set(draws.slice(epoch * 23, (epoch + 1) * 23)).size, 23);
  });

  it("has another order for another seed, and the same clips in the same share", () => {
    const [one, other] = [5, 6].map((seed) => packsOf(new GlobalOrder(plans, clips, seed), EPOCH));
    assert.ok(one !== undefined && other !== undefined);
    assert.notDeepEqual(one, other);
    assert.deepEqual(
      one.flatMap(({ clips: drawn }) => drawn).sort(),
      other.flatMap(({ clips: drawn }) => drawn).sort(),
    );
  });

  it("refuses plans and clips that do not belong together, and a place of others", () => {
    const order = new GlobalOrder(plans, clips, 5);
    assert.throws(() => new GlobalOrder(plans.slice(0, 2), clips, 5), /a plan with clips of c, got none/);
    const noC = clips.filter(({ kind }) => kind !== "c");
    assert.throws(() => new GlobalOrder(plans, noC, 5), /clips of c, got none/);
    assert.throws(() => new GlobalOrder(plans, clips.slice(1), 5).restore(order.state), {
      name: "UserError",
      message:
        "loader state: expected the clips that it was saved with (60 of a), got 59 of a; try the dataset and recipe that the run was started with",
    });
    assert.throws(() => new GlobalOrder(plans.slice(1), clips, 5).restore(order.state), {
      name: "UserError",
      message: /^loader state: expected the plans that it was saved with \(3 of a, 1 of b\), got none; try [^\n]+$/,
    });
    assert.throws(() => order.restore({ ...order.state, packs: -1 }), /^UserError: loader state packs/);
    assert.throws(() => order.restore(null), /^UserError: loader state/);
  });

  it("draws each kind as often as the rates say, to less than its places in all plans, for any plans", () => {
    fc.assert(
      fc.property(settings, ({ plans: some, clips: drawn, seed }) => {
        const order = new GlobalOrder(some, drawn, seed);
        const total = some.reduce((sum, { rate }) => sum + rate, 0);
        const placesIn = (kinds: readonly string[], kind: string) => kinds.filter((other) => other === kind).length;
        for (let n = 1; n <= 200; n++) {
          order.next();
          const drawnOf = new Map<string, number>();
          for (const queue of order.state.queues) {
            drawnOf.set(queue.kind, (drawnOf.get(queue.kind) ?? 0) + queue.drawn);
          }
          for (const [kind, count] of drawnOf) {
            const expected = some.reduce((sum, { kinds, rate }) => sum + (n * rate * placesIn(kinds, kind)) / total, 0);
            const places = some.reduce((sum, { kinds }) => sum + placesIn(kinds, kind), 0);
            assert.ok(Math.abs(count - expected) < places, `${kind}: ${count} for ${expected}`);
          }
        }
      }),
      { numRuns: 20 },
    );
  });
});
