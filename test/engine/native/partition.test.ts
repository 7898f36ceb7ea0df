import assert from "node:assert/strict";
import { vectorIsas } from "../../../src/engine/native/asm/vectorIsa.ts";
import { rowTiles, split } from "../../../src/engine/native/product/block.ts";
import { choosePartition } from "../../../src/engine/native/product/partition.ts";
import { tileSize } from "../../../src/engine/native/product/tile.ts";

describe("cutting products", () => {
  it("covers a side once, in whole units", () => {
    for (const [size, parts, unit] of [
      [100, 3, 1],
      [1536, 7, 32],
      [33, 4, 32],
      [5, 8, 1],
    ] as const) {
      const spans = split(size, parts, unit);
      let end = 0;
      for (const span of spans) {
        assert.equal(span.start, end);
        assert.equal(span.start % unit, 0);
        end += span.size;
      }
      assert.equal(end, size);
    }
  });

  it("cuts rows into tiles of almost equal height", () => {
    for (let rows = 1; rows < 200; rows++) {
      const most = 6 + (rows % 9);
      const tiles = rowTiles(rows, most);
      assert.equal(
        tiles.reduce((sum, { rows: height, count }) => sum + height * count, 0),
        rows,
      );
      const heights = tiles.map(({ rows: height }) => height);
      assert.ok(Math.max(...heights) <= most && Math.max(...heights) - Math.min(...heights) <= 1);
    }
  });

  it("leaves a batch whole, cuts one large product, and does not cut a small one", () => {
    for (const isa of vectorIsas) {
      const parts = (batch: number, m: number, n: number, k: number, threads: number) =>
        choosePartition({ batch, m, n, k, packsA: false }, threads, tileSize(isa));
      assert.deepEqual(parts(24, 256, 256, 64, 2), { rowParts: 1, columnParts: 1 });
      const large = parts(1, 1024, 1536, 384, 2);
      assert.equal((large.rowParts * large.columnParts) % 2, 0);
      assert.deepEqual(parts(1, 32, 32, 32, 8), { rowParts: 1, columnParts: 1 });
      assert.deepEqual(parts(1, 1024, 1536, 384, 1), { rowParts: 1, columnParts: 1 });
    }
  });

  it("cuts products that pack both sides along one, so that one is packed once", () => {
    for (const isa of vectorIsas) {
      for (const [m, n] of [
        [1536, 384],
        [384, 1536],
        [384, 384],
      ] as const) {
        const { rowParts, columnParts } = choosePartition({ batch: 1, m, n, k: 1024, packsA: true }, 2, tileSize(isa));
        assert.equal(Math.min(rowParts, columnParts), 1);
        assert.equal((rowParts * columnParts) % 2, 0);
      }
    }
  });
});
