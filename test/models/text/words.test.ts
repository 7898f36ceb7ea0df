import assert from "node:assert/strict";
import type { Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { wordEncoderSchema } from "../../../src/models/text/textConfig.ts";
import { TextEncoder } from "../../../src/models/text/textEncoder.ts";
import { numCutOf, textRow, textRowLength } from "../../../src/models/text/textRow.ts";
import { encodeWords, unconditionalWords } from "../../../src/models/text/words.ts";
import { bindParams, type Params } from "../../../src/nn/params.ts";
import { assertClose, randomParams } from "../../nn/numeric.ts";

describe("encodeWords", () => {
  const first = (text: string, maxTokens = 6) => [...encodeWords(text, maxTokens, 1024).first];

  it("gives a word the same ids wherever it stands and however it is written", () => {
    const [a, red, dog] = first("a red dog");
    assert.deepEqual(first("Red, a DOG"), [red, first(",")[0], a, dog, 0, 0]);
    assert.equal(first("e\u0301t\u00e9")[0], first("\u00e9te\u0301")[0]);
    assert.ok([a, red, dog].every((id) => id !== undefined && id >= 3 && id < 1024));
  });

  it("counts the words that are cut off", () => {
    const { first: ids, numCut } = encodeWords("one two three four", 3, 1024);
    assert.equal(numCut, 1);
    assert.ok(ids.every((id) => id > 0));
  });

  it("tells no text, an empty text and any text apart", () => {
    const rows = [encodeWords("", 4, 64), encodeWords(" \n", 4, 64), unconditionalWords(4)].map(({ first: ids }) =>
      String(ids),
    );
    assert.equal(rows[0], rows[1]);
    assert.equal(new Set([...rows, "0,0,0,0"]).size, 3);
  });

  it("tells words apart by both hashes together that share one", () => {
    const words = Array.from({ length: 2000 }, (_, i) => `word${i}`);
    const codes = words.map((word) => encodeWords(word, 1, 1024));
    const same = (keys: unknown[]) => words.length - new Set(keys).size;
    // Of 2,000 balls in 1,021 bins 2,000 - 1,021 (1 - e^-1.96) = 1,123 are not the first of their bin.
    assert.ok(Math.abs(same(codes.map((code) => code.first[0])) - 1123) < 60);
    assert.ok(Math.abs(same(codes.map((code) => code.second[0])) - 1123) < 60);
    // Of 2 million pairs 1 in 1,021^2 shares both: 2 are expected.
    assert.ok(same(codes.map(({ first: a, second: b }) => `${a[0]},${b[0]}`)) <= 8);
  });
});

describe("TextEncoder of words", () => {
  const cfg = (maxTokens: number) =>
    wordEncoderSchema.parse({ kind: "words", width: 8, heads: 2, maxTokens, buckets: 64 });
  const build = (maxTokens: number) => (p: Params) => new TextEncoder(cfg(maxTokens), p);
  const long = randomParams(build(6));
  const encode = (text: string, maxTokens: number) => {
    const positions = tf.slice(long.positions as Tensor2D, [0, 0], [maxTokens, 8]);
    const row = textRow(text, cfg(maxTokens));
    assert.equal(row.length, textRowLength(cfg(maxTokens)));
    return build(maxTokens)(bindParams({ ...long, positions })).call(tf.tensor2d([...row], [1, row.length], "int32"));
  };

  it("gives a text the same features whatever padding follows", () => {
    const [padded, exact] = [encode("a red dog", 6), encode("a red dog", 3)];
    assertClose(padded.pooled_CE, exact.pooled_CE, 1e-5);
    assertClose(tf.slice(padded.tokens_CSE, [0, 0, 0], [1, 3, 8]), exact.tokens_CSE, 1e-5);
  });

  it("tells how many words, not bytes, of a text its row leaves out", () => {
    assert.equal(numCutOf("a little turquoise star", cfg(6)), 0);
    assert.equal(numCutOf("a little turquoise star", cfg(3)), 1);
  });

  it("adds both embeddings of a word: a change of either changes it", () => {
    const { pooled_CE } = encode("dog", 6);
    for (const name of ["first", "second"]) {
      const table = long[name] as Tensor2D;
      const changed = build(6)(bindParams({ ...long, [name]: tf.add(table, 1) })).call(
        tf.tensor2d([...textRow("dog", cfg(6))], [1, 12], "int32"),
      );
      const moved = changed.pooled_CE.sub(pooled_CE).abs().max().dataSync()[0] as number;
      assert.ok(moved > 1e-3, `${name}: ${moved}`);
    }
  });
});
