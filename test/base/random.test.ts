import assert from "node:assert/strict";
import { philox } from "../../src/base/philox.ts";
import { KeyedRandom } from "../../src/base/random.ts";

describe("philox4x32-10", () => {
  // Known-answer vectors published with Random123 (kat_vectors).
  const vectors = [
    { counter: [0, 0, 0, 0], key: [0, 0], out: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
    {
      counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      key: [0xffffffff, 0xffffffff],
      out: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
    },
    {
      counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      key: [0xa4093822, 0x299f31d0],
      out: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
    },
  ];
  for (const { counter, key, out } of vectors) {
    it(`counter ${counter[0]?.toString(16)}`, () => {
      const words = new Uint32Array(4);
      philox(Uint32Array.from(counter), Uint32Array.from(key), words);
      assert.deepEqual([...words], out);
    });
  }
});

describe("KeyedRandom", () => {
  it("depends on every part of its key and on nothing else", () => {
    const draw = (...key: [number, string, ...(string | number)[]]) =>
      [...new KeyedRandom(...key).fillNormal(new Float32Array(8))].join();
    assert.equal(draw(1, "noise", "a", 3), draw(1, "noise", "a", 3));
    const others = [
      draw(2, "noise", "a", 3),
      draw(1, "time", "a", 3),
      draw(1, "noise", "b", 3),
      draw(1, "noise", "a", 4),
    ];
    assert.equal(new Set([draw(1, "noise", "a", 3), ...others]).size, 5);
  });

  it("draws the same prefix whatever the length asked for, in one or several fills", () => {
    const whole = new KeyedRandom(5, "noise").fillNormal(new Float32Array(32));
    const short = new KeyedRandom(5, "noise").fillNormal(new Float32Array(7));
    assert.deepEqual([...short], [...whole.subarray(0, 7)]);
    const twice = new KeyedRandom(5, "noise");
    const first = twice.fillNormal(new Float32Array(16));
    assert.deepEqual([...first, ...twice.fillNormal(new Float32Array(16))], [...whole]);
  });

  it("single draws do not disturb arrays", () => {
    const random = new KeyedRandom(5, "noise");
    random.uniform();
    random.normal();
    assert.deepEqual(
      [...random.fillUniform(new Float32Array(8))],
      [...new KeyedRandom(5, "noise").fillUniform(new Float32Array(8))],
    );
  });

  it("has the moments of its distributions", () => {
    const count = 200_000;
    const normals = new KeyedRandom(0, "moments").fillNormal(new Float32Array(count));
    const mean = normals.reduce((sum, x) => sum + x, 0) / count;
    const variance = normals.reduce((sum, x) => sum + (x - mean) ** 2, 0) / count;
    const kurtosis = normals.reduce((sum, x) => sum + (x - mean) ** 4, 0) / count / variance ** 2;
    // Five standard errors: 1/sqrt(n), sqrt(2/n), sqrt(24/n).
    assert.ok(Math.abs(mean) < 5 / Math.sqrt(count), `mean ${mean}`);
    assert.ok(Math.abs(variance - 1) < 5 * Math.sqrt(2 / count), `variance ${variance}`);
    assert.ok(Math.abs(kurtosis - 3) < 5 * Math.sqrt(24 / count), `kurtosis ${kurtosis}`);
    const uniforms = new KeyedRandom(0, "moments").fillUniform(new Float32Array(count));
    const uniformMean = uniforms.reduce((sum, x) => sum + x, 0) / count;
    assert.ok(Math.abs(uniformMean - 0.5) < 5 * Math.sqrt(1 / 12 / count), `uniform mean ${uniformMean}`);
    assert.ok(uniforms.every((x) => x >= 0 && x < 1));
  });

  it("shuffles into every order equally often", () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const order = new KeyedRandom(1, "order", i).shuffle(["a", "b", "c"]).join("");
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    assert.equal(counts.size, 6);
    // Binomial(6000, 1/6): standard deviation 28.9; five of them.
    for (const count of counts.values()) assert.ok(Math.abs(count - 1000) < 145, `${count}`);
  });
});
