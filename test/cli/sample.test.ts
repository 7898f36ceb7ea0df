import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import sharp from "sharp";
import { kinema, ownProgramCache, SmallRecipes } from "./smallRuns.ts";

describe("kinema sample", function () {
  this.timeout(120_000);
  ownProgramCache();
  let recipes: SmallRecipes;
  before(async () => {
    recipes = new SmallRecipes();
    await recipes.train("vae.yaml", recipes.vaeRun);
    await recipes.train("dit.yaml", recipes.ditRun);
  });
  after(() => recipes.remove());

  async function sample(...args: readonly string[]) {
    const outcome = await kinema("sample", ...args);
    assert.equal(outcome.code, 0, outcome.stderr);
    return outcome;
  }
  const draw = async (name: string, ...args: readonly string[]) => {
    await sample(recipes.ditRun, "--out", recipes.at(name), ...args);
    return readFileSync(recipes.at(name));
  };

  it("writes a clip of the data's most frequent size and rate into the run, and a strip beside it", async () => {
    const { stdout } = await sample(recipes.ditRun);
    const [, file = "", strip = ""] = /^(\S+) \((\S+)\): no prompt\n$/.exec(stdout) ?? [];
    assert.match(file, /main\/samples\/[a-z0-9-]+-\d+x\d+x\d+-seed-0\.(mp4|webp)$/);
    assert.ok(existsSync(file));
    const { grids } = JSON.parse(readFileSync(`${recipes.ditRun}/data.json`, "utf8"));
    const [{ frames, height, width }] = grids;
    const upscale = Math.floor(96 / Math.max(height, width));
    const picture = await sharp(strip).metadata();
    assert.ok((picture.width ?? 0) >= frames * width * upscale, "the strip holds every frame");
    assert.ok((picture.height ?? 0) >= height * upscale);
  });

  it("makes the same file of the same seed, and another of another", async () => {
    for (const ending of ["gif", "webp"]) {
      const clip = ["--prompt", "a red circle", "--seed", "4"];
      const first = await draw(`one.${ending}`, ...clip);
      assert.ok((await draw(`two.${ending}`, ...clip)).equals(first), ending);
      assert.ok(!(await draw(`three.${ending}`, "--prompt", "a red circle", "--seed", "5")).equals(first), ending);
    }
  });

  it("draws a prompt each, of the size asked for, and tells of them as JSON", async () => {
    const size = ["--frames", "9", "--height", "24", "--width", "16", "--fps", "5", "--steps", "1", "--cfg", "2"];
    const prompts = ["--prompt", "a red circle", "--prompt", "a blue square"];
    const { stdout } = await sample(
      ...prompts,
      recipes.ditRun,
      ...size,
      "--out",
      recipes.at("deep", "two.gif"),
      "--json",
    );
    const clip = { frames: 9, height: 24, width: 16 };
    const at = (i: number, ending: string) => recipes.at("deep", `two-${i}.${ending}`);
    assert.deepEqual(JSON.parse(stdout), [
      { prompt: "a red circle", ...clip, file: at(1, "gif"), strip: at(1, "png") },
      { prompt: "a blue square", ...clip, file: at(2, "gif"), strip: at(2, "png") },
    ]);
    assert.deepEqual(readdirSync(recipes.at("deep")), ["two-1.gif", "two-1.png", "two-2.gif", "two-2.png", "two.png"]);
    const { pages, pageHeight, width, delay } = await sharp(at(1, "gif"), { animated: true }).metadata();
    assert.deepEqual([pages, pageHeight, width, delay], [9, 96, 64, Array(9).fill(200)]);
  });

  it("draws with the raw weights, on another engine and by another sampler when told so", async () => {
    const ema = await draw("ema.gif");
    assert.ok(!(await draw("raw.gif", "--weights", "model")).equals(ema));
    const pixels = (gif: Buffer) => sharp(gif, { animated: true }).raw().toBuffer();
    const [one, other] = [await pixels(ema), await pixels(await draw("cpu.gif", "--engine", "cpu"))];
    assert.equal(one.length, other.length);
    const different = one.filter((value, i) => Math.abs(value - (other[i] as number)) > 8).length;
    assert.ok(different <= one.length / 100, `${different} of ${one.length} bytes differ`);
    const sampler = ["samples.sampler.kind=heun", "samples.sampler.steps=7"];
    const { stderr } = await sample(recipes.ditRun, ...sampler, "--out", recipes.at("heun.gif"));
    assert.match(stderr, /^sample .* 7\/7 /m);
  });

  it("tells of a prompt that is longer than the model reads", async () => {
    const { stderr } = await sample(recipes.ditRun, "--prompt", "x".repeat(50), "--out", recipes.at("long.gif"));
    assert.match(stderr, /^--prompt: the model does not read the last 4 bytes of "x{50}"$/m);
  });
});
