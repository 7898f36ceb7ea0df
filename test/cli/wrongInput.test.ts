import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { basename, relative } from "node:path";
import { lockFolder } from "../../src/base/folderLock.ts";
import { kinema, ownProgramCache, SmallRecipes } from "./smallRuns.ts";

/** Every mistake gets one line on standard error, nothing on standard output, and exit code 2. */
describe("wrong input", function () {
  this.timeout(120_000);
  ownProgramCache();
  let recipes: SmallRecipes;
  let dit: string;
  let vae: string;
  before(async () => {
    recipes = new SmallRecipes();
    dit = recipes.at("dit.yaml");
    vae = recipes.at("vae.yaml");
    await recipes.train("vae.yaml", recipes.vaeRun);
    await recipes.train("dit.yaml", recipes.ditRun);
    await recipes.train("no-text.yaml", recipes.at("silent"));
  });
  after(() => recipes.remove());

  async function refuses(message: RegExp, ...args: readonly string[]) {
    const { code, stdout, stderr } = await kinema(...args);
    // Paths near the working folder are shown relative to it.
    const told = stderr.replaceAll(recipes.folder, "FOLDER").replaceAll(relative("", recipes.folder), "FOLDER");
    assert.match(told, message);
    assert.match(told, /^[^\n]+\n$/, "one line");
    assert.deepEqual([code, stdout], [2, ""]);
  }

  /** Training into a folder of its own, which must not appear. */
  async function refusesToTrain(message: RegExp, recipe: string, ...overrides: readonly string[]) {
    await refuses(message, "train", recipe, ...overrides, "--run-dir", recipes.at("refused"));
    assert.equal(existsSync(recipes.at("refused")), false);
  }

  const refusesToSample = (message: RegExp, ...args: readonly string[]) =>
    refuses(
      message,
      "sample",
      recipes.ditRun,
      ...args,
      ...(args.includes("--out") ? [] : ["--out", recipes.at("no.gif")]),
    );

  function changed(recipe: string, from: string | RegExp, to: string): string {
    const text = readFileSync(recipe, "utf8");
    const other = text.replace(from, to);
    assert.notEqual(other, text);
    return recipes.write(`changed-${basename(recipe)}`, other);
  }

  describe("of a recipe", () => {
    it("an unknown key, with the right one", async () => {
      await refusesToTrain(/^override 1 "dit\.widht=3": unknown key; did you mean dit\.width\?$/m, dit, "dit.widht=3");
      const typo = changed(vae, "latentChannels", "latentChanels");
      await refusesToTrain(/^FOLDER\/changed-vae\.yaml:\d+:3 vae\.latentChanels: .*latentChannels\?$/m, typo);
    });

    it("a value of a wrong type or range", async () => {
      await refusesToTrain(/: expected a number, got "wide"$/m, dit, "dit.width=wide");
      await refusesToTrain(/: expected a whole number, got 1\.5$/m, dit, "train.steps=1.5");
      await refusesToTrain(/: expected one of onnx, .*, got "gpu"/, dit, "engine.kind=gpu");
      await refusesToTrain(/^dit\.heads|^blocks\.0\.attn: width 12 is not divisible by heads 5/, dit, "dit.heads=5");
    });

    it("augmentation where it would do nothing", async () => {
      await refusesToTrain(/: augment: has no effect here: latents are made once and kept/, dit, "augment.flip=true");
      await refusesToTrain(/^augment\.strides\.0: expected clips for stride 9, got none/, vae, "augment.strides=[9]");
    });

    it("an optimizer of blocks for a model without any", async () => {
      const why = /optim\.muon: has no effect: a VAE has no transformer blocks; remove it$/m;
      await refusesToTrain(why, vae, "optim.muon.iterations=3");
    });

    it("a missing recipe, a folder, an unknown option", async () => {
      await refusesToTrain(
        /^FOLDER\/none\.yaml: expected a readable YAML file, got no such file/,
        recipes.at("none.yaml"),
      );
      await refusesToTrain(/^FOLDER: expected a readable YAML file, got .* no file$/m, recipes.folder);
      await refuses(/^kinema: unknown argument: rundir/, "train", dit, "--rundir", recipes.at("refused"));
    });
  });

  describe("of the data", () => {
    it("a missing dataset, and one that is another world", async () => {
      const elsewhere = changed(
        vae,
        /kind: shapes\n {2}dir: .*\n([\s\S]*?) {2}world:[\s\S]*?engine/,
        "kind: folder\n  dir: nowhere\n$1engine",
      );
      await refusesToTrain(/^nowhere: expected a dataset .*, got none; try `kinema data/, elsewhere);
      await refusesToTrain(/^FOLDER\/data: expected the shapes world of data\.world, got /, vae, "data.world.clips=25");
    });

    it("grids that the VAE's factors do not divide", async () => {
      const where = "^vae for shapes seed 1 clip \\d+ of FOLDER/data: expected 1 \\+ a multiple of";
      await refusesToTrain(RegExp(`${where} 8 frames,.* got 5x`), changed(vae, "[4, 4]", "[8, 4]"));
      await refusesToTrain(
        RegExp(`${where} 4 frames, height and width multiples of 16, got`),
        changed(vae, "[4, 4]", "[4, 16]"),
      );
    });

    it("grids that the transformer's patch does not divide, or that are larger than a pack", async () => {
      await refusesToTrain(
        /^dit\.patch for shapes seed 1 clip \d+: expected .* 1x4x4 divides/,
        dit,
        "dit.patch=[1,4,4]",
      );
      await refusesToTrain(/^packing\.tokens: expected at least 8 for the clips of 2x2x2/, dit, "packing.tokens=7");
      const few = ["packing.tokens=8", "packing.maxPlans=1", "packing.mode=plans"];
      await refusesToTrain(/^packing\.maxPlans: expected at least \d/, dit, ...few);
    });

    it("nothing left to train on", () =>
      refusesToTrain(/^data: expected clips to train on, got none/, dit, "data.heldOut=0.999999"));
  });

  describe("of the VAE", () => {
    it("a missing run, and a recipe that trains into another", async () => {
      const run = `vae.run=${recipes.at("no-vae")}`;
      await refusesToTrain(/^FOLDER\/no-vae\/vae: expected a trained VAE/, changed(dit, ", recipe: vae.yaml", ""), run);
      await refusesToTrain(/^vae\.recipe: expected a recipe that trains into FOLDER\/no-vae/, dit, run);
    });

    it("a damaged file", async () => {
      const run = recipes.at("damaged");
      cpSync(recipes.vaeRun, run, { recursive: true });
      const file = `${run}/vae/model.safetensors`;
      const bytes = readFileSync(file);
      bytes.writeUInt8(bytes.readUInt8(bytes.length - 3) ^ 1, bytes.length - 3);
      writeFileSync(file, bytes);
      const path = "^FOLDER/damaged/vae/model\\.safetensors: expected";
      await refusesToTrain(RegExp(`${path} sha256 [0-9a-f]{64}, got [0-9a-f]{64}`), dit, `vae.run=${run}`);
      truncateSync(file, 40);
      await refusesToTrain(RegExp(`${path} a sound safetensors file`), dit, `vae.run=${run}`);
      rmSync(file);
      await refusesToTrain(RegExp(`${path} a safetensors file`), dit, `vae.run=${run}`);
      writeFileSync(`${run}/vae/vae.json`, "{}");
      await refusesToTrain(/^FOLDER\/damaged\/vae\/vae\.json config: /, dit, `vae.run=${run}`);
    });
  });

  describe("of the run folder", () => {
    it("a run of another recipe, of another stage, or no run at all", async () => {
      const into = ["--run-dir", recipes.ditRun];
      await refuses(
        /^FOLDER\/.*: expected the recipe .* got another: config\.seed 0 -> 4; try/,
        "train",
        dit,
        "seed=4",
        ...into,
      );
      await refuses(/got another: config\.kind "dit" -> "vae", /, "train", vae, ...into);
      await refuses(
        /^FOLDER: expected a run folder or a new one, got one with /,
        "train",
        dit,
        "--run-dir",
        recipes.folder,
      );
      await refuses(/not a directory/i, "train", dit, "--run-dir", `${vae}/run`);
    });

    it("a run that another process trains in", async () => {
      const lock = lockFolder(recipes.ditRun, { wanted: "", does: "", try: "" });
      try {
        const busy = RegExp(
          `^FOLDER/.*: expected a run folder that nobody uses, got one that process ${process.pid} is`,
        );
        await refuses(busy, "train", dit, "--run-dir", recipes.ditRun);
      } finally {
        lock.release();
      }
    });
  });

  describe("of a sample", () => {
    it("a prompt on a model without text", () =>
      refuses(
        /^--prompt: expected none: this model was trained without text/,
        "sample",
        recipes.at("silent"),
        "--prompt",
        "a",
      ));

    it("a folder that is no run of a diffusion transformer, or has no checkpoint", async () => {
      await refuses(/^FOLDER\/nowhere: expected the folder of a run/, "sample", recipes.at("nowhere"));
      await refuses(/^FOLDER\/dit\.yaml: expected the folder of a run/, "sample", dit);
      await refuses(/: expected the run of a diffusion transformer, got one of kind vae/, "sample", recipes.vaeRun);
      const young = recipes.at("young");
      cpSync(recipes.ditRun, young, { recursive: true });
      rmSync(`${young}/checkpoints`, { recursive: true });
      await refuses(/^FOLDER\/young: expected a run with a checkpoint, got none/, "sample", young);
    });

    it("a size that the factors do not divide", async () => {
      await refusesToSample(
        /: expected .* multiples of 4, got 5x30x16; try 5x32x16/,
        "--height",
        "30",
        "--width",
        "16",
      );
      await refusesToSample(/: expected 1 \+ a multiple of 4 frames, .* got 4x/, "--frames", "4");
    });

    it("a number that is none, or out of range", async () => {
      for (const name of ["frames", "height", "width", "steps", "seed"]) {
        const least = name === "seed" ? 0 : 1;
        for (const value of ["2.5", "x", "-1", "1e99"]) {
          await refusesToSample(
            RegExp(`^--${name}: expected one whole number, at least ${least}, got `),
            `--${name}=${value}`,
          );
        }
      }
      for (const option of ["--cfg=-1", "--cfg=x", "--fps=0"])
        await refusesToSample(/^--(cfg|fps): expected one number/, option);
      await refusesToSample(/^--seed: expected one whole number, at least 0, got 1,2/, "--seed", "1", "--seed", "2");
    });

    it("an unknown engine, and one that is not installed", async () => {
      await refusesToSample(
        /^kinema: Invalid values: Argument: engine, Given: "gpu", Choices: "onnx", /,
        "--engine",
        "gpu",
      );
    });

    it("a file that cannot be written, before anything is drawn", async () => {
      await refusesToSample(
        /no\.avi: expected a name ending in mp4, webp, gif, got \.avi/,
        "--out",
        recipes.at("no.avi"),
      );
      await refusesToSample(/^FOLDER: expected the name of a file, got a folder/, "--out", recipes.folder);
      await refusesToSample(/: expected a file in a folder that can be written, got E/, "--out", `${vae}/no.gif`);
    });
  });
});
