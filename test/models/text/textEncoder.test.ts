import assert from "node:assert/strict";
import type { Tensor2D } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { encodeText, numTextIds, unconditionalText } from "../../../src/models/text/bytes.ts";
import { byteEncoderSchema } from "../../../src/models/text/textConfig.ts";
import { TextEncoder } from "../../../src/models/text/textEncoder.ts";
import { bindParams, type Params } from "../../../src/nn/params.ts";
import { assertClose, randomParams } from "../../nn/numeric.ts";

describe("text ids", () => {
  it("are start, UTF-8 bytes, end, padding", () => {
    const { ids, length, numCut } = encodeText("aé", 8);
    assert.deepEqual([...ids], [1, 97 + 4, 0xc3 + 4, 0xa9 + 4, 2, 0, 0, 0]);
    assert.deepEqual([length, numCut], [5, 0]);
    assert.ok(Math.max(...encodeText("\u00ff".repeat(3), 8).ids) < numTextIds);
  });

  it("count what is cut off", () => {
    const { ids, length, numCut } = encodeText("abcdef", 6);
    assert.deepEqual([...ids], [1, 101, 102, 103, 104, 2]);
    assert.deepEqual([length, numCut], [6, 2]);
  });

  it("tell any text from an empty one", () => {
    assert.notDeepEqual(unconditionalText(6).ids, encodeText("", 6).ids);
  });
});

describe("TextEncoder", () => {
  const build = (maxTokens: number) => (p: Params) =>
    new TextEncoder(byteEncoderSchema.parse({ kind: "bytes", width: 8, heads: 2, maxTokens, prefixBuckets: 0 }), p);
  const long = randomParams(build(12));
  const encode = (text: string, maxTokens: number) => {
    const positions = tf.slice(long.positions as Tensor2D, [0, 0], [maxTokens, 8]);
    const ids = tf.tensor2d([...encodeText(text, maxTokens).ids], [1, maxTokens], "int32");
    return build(maxTokens)(bindParams({ ...long, positions })).call(ids);
  };

  it("gives a text the same features whatever padding follows", () => {
    const [padded, exact] = [encode("word", 12), encode("word", 6)];
    assertClose(padded.pooled_CE, exact.pooled_CE, 1e-5);
    assertClose(tf.slice(padded.tokens_CSE, [0, 0, 0], [1, 6, 8]), exact.tokens_CSE, 1e-5);
    assertClose(padded.bias_CS, [0, 0, 0, 0, 0, 0, ...Array<number>(6).fill(-1e9)], 0);
  });

  it("takes a row of zeros for no text", () => {
    const { pooled_CE, bias_CS } = build(12)(bindParams(long)).call(tf.zeros([1, 12], "int32"));
    assertClose(pooled_CE, new Float32Array(8), 0);
    assertClose(bias_CS, new Float32Array(12).fill(-1e9), 0);
  });

  it("tells texts apart by the order of their letters", () => {
    const difference = encode("on", 12).pooled_CE.sub(encode("no", 12).pooled_CE).abs().max().dataSync();
    assert.ok((difference[0] as number) > 1e-2);
  });
});
