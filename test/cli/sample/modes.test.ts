import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import sharp from "sharp";
import { parseWish } from "../../../src/cli/sample/intent.ts";
import { drawingsOf, requestOf } from "../../../src/cli/sample/request.ts";
import { readModel } from "../../../src/cli/stages/openModel.ts";
import { writeVideo } from "../../../src/data/media/encode.ts";
import { kinema, LONGEST, type Outcome, ownProgramCache, SmallRecipes } from "../smallRuns.ts";

describe("kinema sample from pictures and videos", function () {
  this.timeout(180_000);
  ownProgramCache();
  let recipes: SmallRecipes;
  let run: string;
  before(async () => {
    recipes = new SmallRecipes();
    run = recipes.at("modes");
    await recipes.train("vae.yaml", recipes.vaeRun);
    await recipes.train("modes.yaml", run);
    const frames = (count: number, height: number, width: number) => {
      const frames_THWC = new Uint8Array(count * height * width * 3);
      for (let i = 0; i < frames_THWC.length; i++) frames_THWC[i] = (i * 31 + Math.floor(i / 700) * 7) % 256;
      return { frames_THWC, frames: count, height, width, fps: 8 };
    };
    await writeVideo(recipes.at("a.webp"), frames(11, 40, 44));
    await writeVideo(recipes.at("b.webp"), frames(9, 20, 60));
    await writeVideo(recipes.at("still.webp"), frames(1, 20, 20));
    await writeVideo(recipes.at("long.webp"), frames(30, 20, 20));
    await sharp(frames(1, 60, 50).frames_THWC, { raw: { width: 50, height: 60, channels: 3 } }).toFile(
      recipes.at("a.png"),
    );
    await sharp(frames(1, 30, 30).frames_THWC, { raw: { width: 30, height: 30, channels: 3 } }).toFile(
      recipes.at("b.png"),
    );
    writeFileSync(recipes.at("broken.png"), "no picture");
  });
  after(() => recipes.remove());

  const sample = (...args: readonly string[]): Promise<Outcome> => kinema("sample", run, ...args);
  const at = (name: string): string => recipes.at(name);

  /** Frames of a result and its size, as the file has them. */
  async function drawn(name: string, ...args: readonly string[]) {
    const { code, stdout, stderr } = await sample(...args, "--out", at(name), "--json");
    assert.equal(code, 0, stderr);
    const [result] = JSON.parse(stdout);
    const { pages = 1, pageHeight, height, width } = await sharp(at(name), { animated: true }).metadata();
    const upscale = Math.floor(96 / 16);
    assert.deepEqual([pages, pageHeight ?? height, width], [result.frames, 16 * upscale, 16 * upscale]);
    assert.ok(existsSync(result.strip));
    return { frames: result.frames as number, stderr };
  }

  it("animates a picture, fitted to the model's size, for the usual length or another", async () => {
    const { frames } = await drawn("animated.webp", "--image", at("a.png"), "--prompt", "it moves");
    assert.ok(frames === 9 || frames === LONGEST);
    assert.equal((await drawn("animated2.webp", "--image", at("a.png"), "--seconds", "0.75", "--preview")).frames, 6);
    const [strip, preview] = ["animated2.png", "animated2-preview.png"].map((name) => sharp(at(name)).metadata());
    assert.equal((await strip)?.width, (await preview)?.width);
  });

  it("extends a video, telling what is left out of it", async () => {
    const forward = await drawn("forward.webp", "--video", at("a.webp"), "--extend", "forward", "0.5");
    assert.equal(forward.frames, 9 + 4);
    assert.match(
      forward.stderr,
      /^--video: the first 2 of 11 frames of .*a\.webp are left out: the VAE takes 1 \+ 4 k$/m,
    );
    const backward = await drawn("backward.webp", "--video", at("a.webp"), "--extend", "backward", "0.5s");
    assert.equal(backward.frames, 9 + 4);
    assert.match(backward.stderr, /^--video: the last 2 of 11 frames/m);
  });

  it("loops a video, and one from text", async () => {
    assert.equal((await drawn("looped.webp", "--video", at("b.webp"), "--loop")).frames, 9 + 7);
    assert.equal((await drawn("looped2.webp", "--video", at("b.webp"), "--loop", "--frames", "12")).frames, 12);
    assert.equal((await drawn("loop.webp", "--loop", "--prompt", "a red circle", "--frames", "12")).frames, 12);
  });

  it("connects two videos of other sizes", async () => {
    const args = ["--video", at("a.webp"), "--video", at("b.webp"), "--connect", "0.375"];
    assert.equal((await drawn("connected.webp", ...args)).frames, 9 + 3 + 9);
  });

  it("edits a video", async () => {
    const { frames } = await drawn(
      "edited.webp",
      "--video",
      at("b.webp"),
      "--edit",
      "0.5",
      "--prompt",
      "a blue square",
    );
    assert.equal(frames, 9);
  });

  it("passes through pictures at their times", async () => {
    const { frames } = await drawn(
      "keyed.webp",
      "--keyframes",
      `${at("a.png")}@0,${at("b.png")}@1s`,
      "--seconds",
      "1.25",
    );
    assert.equal(frames, 10);
  });

  it("changes what a long clip shows at the times of its prompts: one clip", async () => {
    const prompt = ["0: a red circle", "3s: a blue square"];
    const flags = prompt.flatMap((text) => ["--prompt", text]);
    const { frames, stderr } = await drawn("changing.gif", ...flags, "--seconds", "5", "--preview");
    assert.equal(frames, 40);
    assert.match(stderr, /^soon: .*changing-preview\.png$/m);
    // Eleven latent frames through a window of four, two of them kept: five blocks of two steps.
    assert.match(stderr, /^sample .* 10\/10 /m);
    const preview = await sharp(at("changing-preview.png")).metadata();
    assert.ok(preview.width > 6 * 16 * LONGEST && preview.width < 6 * 16 * 2 * LONGEST, "the first window");
    const known = await readModel(run);
    const request = await requestOf(known, parseWish({ prompt, seconds: "5" }), {}, assert.fail);
    const [drawing, another] = drawingsOf(known, request, []);
    // 3 s are 24 frames: the seventh latent frame shows frames 21 to 24.
    assert.deepEqual(drawing?.plan.request.later, [{ from: 6, prompt: "a blue square" }]);
    assert.deepEqual([drawing?.prompt, another], ["a red circle, from 3s: a blue square", undefined]);
  });

  it("draws a picture from text, as PNG", async () => {
    const { code, stderr } = await sample("--prompt", "a red circle", "--frames", "1", "--out", at("still.png"));
    assert.equal(code, 0, stderr);
    assert.equal((await sharp(readFileSync(at("still.png"))).metadata()).format, "png");
  });

  it("refuses what the files or the model do not allow in one line, before it loads weights", async () => {
    const hidden = `${run}/checkpoints`;
    const samples = (): string[] => (existsSync(`${run}/samples`) ? readdirSync(`${run}/samples`) : []);
    const before = samples();
    renameSync(hidden, `${run}/hidden`);
    try {
      for (const [complaint, ...args] of [
        [/^--image: expected a file that can be read, got .*nowhere\.png$/, "--image", at("nowhere.png")],
        [/^--image: expected a file that can be decoded, got .*broken\.png: cannot be/, "--image", at("broken.png")],
        [/^--image: expected a picture, got a video of 11 frames: /, "--image", at("a.webp")],
        [
          /^--video: expected a video of several frames, got one frame at 8 a second: .*; try --image FILE$/,
          "--video",
          at("still.webp"),
          "--loop",
        ],
        [
          /^--height --width: expected multiples of 8 and 8 for .*, got 20 and 16; try 24 and 16$/,
          "--image",
          at("a.png"),
          "--height",
          "20",
        ],
        [
          /^--edit: expected a video of at most 13 frames at 8 a second, as in training, got 29$/,
          "--video",
          at("long.webp"),
          "--edit",
          "0.5",
          "--prompt",
          "b",
        ],
        [
          /^extend backward: expected at most 4 latent frames at once/,
          "--video",
          at("b.webp"),
          "--extend",
          "backward",
          "3",
        ],
        [
          /^connect: expected at most 4 latent frames at once/,
          "--video",
          at("a.webp"),
          "--video",
          at("b.webp"),
          "--connect",
          "5",
        ],
        [/^keyframes: expected at most 4 latent frames at once/, "--keyframes", `${at("a.png")}@0,${at("b.png")}@9s`],
        [
          /^keyframes: expected frames that lie 4 or more apart, got 1 and 2$/,
          "--keyframes",
          `${at("a.png")}@.125,${at("b.png")}@.25`,
        ],
        [
          /^--loop: expected a length beyond the video's own 9 frames, got 9$/,
          "--video",
          at("b.webp"),
          "--loop",
          "--seconds",
          "1.125",
        ],
        [/^--loop: expected at least 8 frames, 7 of which lead back to the first, got 5$/, "--loop", "--frames", "5"],
        [
          /^--prompt: expected times before the clip ends, at \d\.\d\d s, got 20 s; try --seconds$/,
          "--prompt",
          "0: a",
          "--prompt",
          "20s: b",
        ],
        [
          /^prompts: expected one for a clip of up to 4 latent frames, got one that changes; try a longer clip$/,
          "--frames",
          "9",
          "--prompt",
          "0: a",
          "--prompt",
          "0.5s: b",
        ],
        [
          /^--video: expected a video \(.*\), got the picture .*a\.png; try --image FILE$/,
          "--video",
          at("a.png"),
          "--loop",
        ],
        [/^--image: expected a picture \(.*\), got "clip\.mid"$/, "--image", "clip.mid"],
        [
          /^vae: expected 1 \+ a multiple of 4 frames, .* multiples of 4, got 9x30x16; try /,
          "--frames",
          "9",
          "--height",
          "30",
        ],
        [
          /still\.png: expected a name ending in mp4, webp, gif, got \.png$/,
          "--image",
          at("a.png"),
          "--out",
          at("still.png"),
        ],
      ] as [RegExp, ...string[]][]) {
        const { code, stdout, stderr } = await sample(...args);
        const lines = stderr
          .trim()
          .split("\n")
          .filter((line) => !line.includes("are left out"));
        assert.deepEqual([code, stdout, lines.length], [2, "", 1], stderr);
        assert.match(lines[0] ?? "", complaint);
      }
      assert.deepEqual(samples(), before);
    } finally {
      renameSync(`${run}/hidden`, hidden);
    }
  });

  it("refuses modes that the model was not trained for, each by its share, before it loads weights", async () => {
    recipes.write(
      "text.yaml",
      readFileSync(at("modes.yaml"), "utf8")
        .replace(/^objective:.*\n/m, "")
        .replace(", window: 4", ""),
    );
    await recipes.train("text.yaml", recipes.at("text-run"));
    renameSync(recipes.at("text-run", "checkpoints"), recipes.at("text-run", "hidden"));
    const video = ["--video", at("b.webp")];
    for (const [mode, share, ...args] of [
      ["animate", "first", "--image", at("a.png")],
      ["extend forward", "first", ...video, "--extend", "forward", "1"],
      ["extend backward", "last", ...video, "--extend", "backward", "1"],
      ["loop", "both", ...video, "--loop"],
      ["connect", "both", ...video, ...video, "--connect", "1"],
      ["keyframes", "keyframes", "--keyframes", `${at("a.png")}@0`],
    ] as [string, string, ...string[]][]) {
      const { code, stdout, stderr } = await kinema("sample", recipes.at("text-run"), ...args);
      assert.deepEqual([code, stdout, stderr.trim().split("\n").length], [2, "", 1], stderr);
      assert.match(
        stderr,
        RegExp(`^${mode}: expected a model trained with a share of objective.conditioning.${share}, `),
      );
    }
  });
});
