import assert from "node:assert/strict";
import { existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { MEASURED_MODES } from "../../src/evaluation/modes/modeCase.ts";
import { kinema, LONGEST, ownProgramCache, SmallRecipes } from "./smallRuns.ts";

describe("kinema evaluate --modes and --long", function () {
  this.timeout(120_000);
  ownProgramCache();
  let recipes: SmallRecipes;
  let run: string;
  before(async () => {
    recipes = new SmallRecipes();
    run = recipes.at("modes");
    await recipes.train("vae.yaml", recipes.vaeRun);
    await recipes.train("modes.yaml", run);
  });
  after(() => recipes.remove());

  async function evaluate(...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await kinema("evaluate", run, ...args);
    assert.equal(code, 0, stderr);
    return stdout;
  }

  it("measures every mode, keeps what is given, and writes figures and pictures into the run", async () => {
    const text = await evaluate("--modes", "--prompts", "2");
    for (const mode of MEASURED_MODES) assert.match(text, RegExp(`^${mode} +2 `, "m"));
    const folder = join(run, "evaluation");
    const { modes, step, untrained, strength } = JSON.parse(readFileSync(join(folder, "modes-step-3.json"), "utf8"));
    assert.deepEqual([Object.keys(modes).sort(), step, untrained, strength], [[...MEASURED_MODES].sort(), 3, [], 0.6]);
    for (const [mode, report] of Object.entries<Record<string, { n: number }>>(modes)) {
      assert.equal(report.adherence?.n, 2);
      assert.equal(report.textAdherence?.n, mode === "text" ? undefined : 2);
    }
    // Given frames come back as the VAE has them, whatever a model draws: a decoder for another length may round otherwise.
    for (const mode of ["animate", "extend forward", "extend backward", "loop", "connect", "keyframes"]) {
      assert.ok(modes[mode].context.kept.mean === 1 && modes[mode].context.leastDb >= 48, mode);
    }
    assert.ok(existsSync(join(folder, "modes-step-3.png")), "a contact sheet");
  });

  it("measures some modes, drawn otherwise than the recipe says: the same figures each time", async () => {
    const args = ["--modes", "loop,edit", "--prompts", "2", "--json", "samples.sampler.kind=unipc", "--steps", "3"];
    const json = await evaluate(...args);
    const { modes, sampling } = JSON.parse(json);
    assert.deepEqual(Object.keys(modes), ["text", "loop", "edit"]);
    assert.deepEqual([sampling.sampler.kind, sampling.sampler.steps], ["unipc", 3]);
    assert.equal(await evaluate(...args), json);
    assert.notEqual(await evaluate(...args, "--strength", "1"), json);
  });

  it("measures long clips: what they keep, and what they take by length", async () => {
    const text = await evaluate("--long", "4", "--prompts", "2");
    assert.match(text, /^colour +\d+\.\d +\d+\.\d +[+-]\d+\.\d$/m);
    const folder = join(run, "evaluation");
    const { begin, end, colourKept, costs, memoryRatio, cpuSecondsPerSecond, compared, occlusions } = JSON.parse(
      readFileSync(join(folder, "long-step-3.json"), "utf8"),
    );
    assert.deepEqual(compared, { beginSeconds: 2, endSeconds: 2, windowFrames: LONGEST });
    assert.deepEqual([begin.n, end.n, colourKept.n, occlusions], [2, 2, 2, undefined]);
    assert.deepEqual(
      costs.map(({ frames }: { frames: number }) => frames),
      [9, 17, 33],
    );
    // Resident memory of a process that runs a model, in MiB.
    assert.ok(costs.every(({ peakMb }: { peakMb: number }) => peakMb > 60 && peakMb < 2000));
    assert.ok(memoryRatio > 0.5 && memoryRatio < 2 && cpuSecondsPerSecond.every(Number.isFinite));
    assert.ok(existsSync(join(folder, "long-step-3.png")), "a contact sheet");
  });

  it("answers wrong use with one line, before it loads weights", async () => {
    recipes.write(
      "text.yaml",
      readFileSync(recipes.at("modes.yaml"), "utf8").replace(
        "first: 0.2, last: 0.2, both: 0.2, keyframes: 0.2",
        "first: 0.2",
      ),
    );
    recipes.write("whole.yaml", readFileSync(recipes.at("modes.yaml"), "utf8").replace(", window: 4", ""));
    const [some, unwindowed] = [recipes.at("some"), recipes.at("unwindowed")];
    await recipes.train("text.yaml", some);
    await recipes.train("whole.yaml", unwindowed);
    for (const folder of [run, some, unwindowed]) renameSync(`${folder}/checkpoints`, `${folder}/hidden`);
    for (const [message, ...args] of [
      [/^--modes: expected some of text, image, .*, got "fly"\n$/, run, "--modes", "animate,fly"],
      [/^--strength: expected one number from 0 .*, got 2\n$/, run, "--modes", "--strength", "2"],
      [/^--strength: expected --modes beside it/, run, "--strength", "0.5"],
      [/^loop: expected a model trained with a share of objective.conditioning.both, /, some, "--modes", "loop"],
      [
        /^overrides: expected keys of samples or engine, .*, got dit.width=24; try /,
        run,
        "--modes",
        "",
        "dit.width=24",
      ],
      [/: expected one of euler, heun, dpm\+\+, unipc, got "magic"/, run, "--modes", "", "samples.sampler.kind=magic"],
      [/: expected the run of a diffusion transformer, got one of kind vae\n$/, recipes.vaeRun, "--modes"],
    ] as [RegExp, ...string[]][]) {
      const { code, stdout, stderr } = await kinema("evaluate", ...args);
      assert.deepEqual([code, stdout, stderr.trim().split("\n").length], [2, "", 1], stderr);
      assert.match(stderr, message);
    }
    for (const folder of [run, some, unwindowed]) renameSync(`${folder}/hidden`, `${folder}/checkpoints`);
  });
});
