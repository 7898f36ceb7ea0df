import assert from "node:assert/strict";
import { KeyedRandom } from "../../../src/base/random.ts";
import { LOOK_AHEAD, RowFiller } from "../../../src/data/loader/rowFiller.ts";

/** Clips are their numbers of tokens. */
const sizeOf = (tokens: number) => ({ tokens, frames: 1 + (tokens % 3) });
const space = { rows: 2, tokens: 40, frames: 30, clips: 12 };

function drawing(seed: number): () => number {
  const random = new KeyedRandom(seed, "test");
  return () => 1 + random.int(20);
}

describe("RowFiller", () => {
  it("puts each clip into the first row with room, in order", () => {
    const filler = new RowFiller({ rows: 2, tokens: 10, frames: 99, clips: 3 }, sizeOf);
    const clips = [6, 5, 4, 3, 1, 1, 9];
    const [first, second] = filler.next(() => clips.shift() ?? 10);
    assert.deepEqual(
      [first, second],
      [
        [6, 4],
        [5, 3, 1],
      ],
    );
    assert.deepEqual(filler.waiting.slice(0, 2), [1, 9]);
    assert.equal(filler.waiting.length, LOOK_AHEAD);
  });

  it("gives every clip exactly once, and none waits for ever", () => {
    let [drawn, given] = [0, 0];
    const drawnAt: number[] = [];
    const filler = new RowFiller<{ id: number; tokens: number }>(space, ({ tokens }) => sizeOf(tokens));
    const next = drawing(1);
    const seen = new Set<number>();
    for (let pack = 0; pack < 500; pack++) {
      const rows = filler.next(() => {
        drawnAt[drawn] = pack;
        return { id: drawn++, tokens: next() };
      });
      for (const { id } of rows.flat()) {
        assert.ok(!seen.has(id));
        assert.ok(pack - (drawnAt[id] as number) <= LOOK_AHEAD, `clip ${id} waited`);
        seen.add(id);
        given++;
      }
    }
    assert.equal(given + filler.waiting.length, drawn);
  });

  it("keeps within tokens, frames and clips, and fills nearly all tokens", () => {
    const filler = new RowFiller(space, sizeOf);
    const next = drawing(2);
    let tokens = 0;
    for (let pack = 0; pack < 500; pack++) {
      for (const row of filler.next(next)) {
        const total = (count: (clip: number) => number) => row.reduce((sum, clip) => sum + count(clip), 0);
        tokens += total((clip) => clip);
        assert.ok(total((clip) => clip) <= 40 && row.length <= 12 && total((clip) => sizeOf(clip).frames) <= 30);
      }
    }
    assert.ok(tokens / (500 * 80) > 0.98, `fill ${tokens / (500 * 80)}`);
  });

  it("goes on from what waits", () => {
    const [next, again] = [drawing(3), drawing(3)];
    const [one, other] = [new RowFiller(space, sizeOf), new RowFiller(space, sizeOf)];
    let draws = 0;
    const counted = (): ReturnType<typeof next> => {
      draws += 1;
      return next();
    };
    for (let pack = 0; pack < 10; pack++) one.next(counted);
    for (let i = 0; i < draws; i++) again();
    other.restore(one.waiting);
    for (let pack = 0; pack < 10; pack++) assert.deepEqual(other.next(again), one.next(next));
  });
});
