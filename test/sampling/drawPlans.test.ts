import assert from "node:assert/strict";
import { KeyedRandom } from "../../src/base/random.ts";
import type { Engine } from "../../src/engine/engine.ts";
import { createOnnxEngine } from "../../src/engine/runtime/onnxEngine.ts";
import { drawPlans } from "../../src/sampling/drawPlans.ts";
import type { LatentVideo } from "../../src/sampling/latentVideo.ts";
import { animate } from "../../src/sampling/modes/animate.ts";
import { connect } from "../../src/sampling/modes/connect.ts";
import { edit } from "../../src/sampling/modes/edit.ts";
import { extendBackward } from "../../src/sampling/modes/extend.ts";
import { samplesSchema } from "../../src/sampling/samplingConfig.ts";
import type { VideoModel } from "../../src/sampling/textToVideo.ts";
import { randomVideoModel } from "./samplingSetting.ts";

const { sampler, guidance } = samplesSchema.parse({ sampler: { steps: 2 } });
const FRAME = 16 * 16 * 3;

describe("drawPlans", () => {
  let engine: Engine;
  let video: VideoModel;
  before(async () => {
    engine = await createOnnxEngine({ threads: 1 });
    video = randomVideoModel(engine);
  });
  after(async () => {
    await video.codec.dispose();
    await engine.dispose();
  });

  /** A clip of some frames: its latents, and the VAE's reconstruction. */
  async function clipOf(frames: number, key: string): Promise<{ clip: LatentVideo; seen: Uint8Array }> {
    const pixels = new KeyedRandom(3, "pixels", key).fillUniform(new Float32Array(frames * FRAME));
    const size = { t: frames, h: 16, w: 16 };
    const latent_thwz = (
      await video.codec.encode(
        Uint8Array.from(pixels, (value) => value * 256),
        size,
      )
    ).slice();
    const grid = video.codec.latentGrid(size);
    return { clip: { grid, latent_thwz }, seen: (await video.codec.decode(latent_thwz, grid)).slice() };
  }

  it("gives back what was given as the VAE has it, whatever is drawn around it", async () => {
    const [image, a, b] = [await clipOf(1, "image"), await clipOf(5, "a"), await clipOf(9, "b")];
    const reach = { time: 4, window: 5, inside: true };
    const prompt = "a red circle";
    const [animated, earlier, connected, edited] = await drawPlans(
      video,
      [
        animate({ prompt, image: image.clip, frames: 5 }, reach),
        extendBackward({ prompt, clip: a.clip, frames: 6 }, reach),
        connect({ prompt, from: a.clip, to: b.clip, frames: 3 }, reach),
        edit({ prompt, clip: b.clip, strength: 0 }, reach),
      ],
      { seed: 1, sampler, guidance },
    );
    assert.deepEqual(
      [animated, earlier, connected, edited].map((clip) => (clip?.length ?? 0) / FRAME),
      [5, 11, 17, 9],
    );
    assertNear(animated?.subarray(0, FRAME), image.seen);
    assertNear(earlier?.subarray(6 * FRAME), a.seen);
    assertNear(connected?.subarray(0, 5 * FRAME), a.seen);
    assertNear(connected?.subarray(8 * FRAME), b.seen);
    assertNear(edited, b.seen);
  });
});

/** A decoder compiled for another length may round otherwise: by one step of 255 at most. */
function assertNear(got: Uint8Array | undefined, expected: Uint8Array): void {
  assert.equal(got?.length, expected.length);
  assert.ok(got?.every((value, i) => Math.abs(value - (expected[i] as number)) <= 1));
}
