import assert from "node:assert/strict";
import path from "node:path";
import fc from "fast-check";
import type { z } from "zod";
import { UserError } from "../../src/base/errors.ts";
import { loadRecipe } from "../../src/config/recipe.ts";
import { sourceText } from "../../src/config/source.ts";
import { SampleSchema, withFiles } from "./sample.ts";

type Sample = z.output<typeof SampleSchema>;

function load(text: string, overrides: string[] = [], parts: Record<string, string> = {}) {
  return withFiles({ "r.yaml": text, ...parts }, (dir) =>
    loadRecipe(path.join(dir, "r.yaml"), overrides, SampleSchema),
  );
}

/** The error's lines, the temporary folder left out. */
function refusal(text: string, overrides: string[] = [], parts: Record<string, string> = {}): string[] {
  return withFiles({ "r.yaml": text, ...parts }, (dir) => {
    try {
      loadRecipe(path.join(dir, "r.yaml"), overrides, SampleSchema);
    } catch (error) {
      assert(error instanceof UserError, String(error));
      const relative = path.relative(process.cwd(), dir);
      return error.message.replaceAll(`${dir}/`, "").replaceAll(`${relative}/`, "").split("\n");
    }
    return assert.fail("the recipe was accepted");
  });
}

describe("loadRecipe", () => {
  it("fills in defaults and tells the source of every value", () => {
    const { value, sources } = load("data:\n  dir: x\ntrain: {steps: 7}\n", ["model.width=32", "data.weights={a: 2}"]);
    assert.equal(value.train.steps, 7);
    assert.equal(value.model.width, 32);
    assert.equal(value.engine.kind, "onnx");
    const text = (key: string) => sourceText(sources.get(key) ?? assert.fail(key)).replace(/.*r\.yaml/, "r.yaml");
    assert.equal(text("data.dir"), "r.yaml:2:8");
    assert.equal(text("train.steps"), "r.yaml:3:16");
    assert.equal(text("model.width"), "command line");
    assert.equal(text("data.weights.a"), "command line");
    assert.equal(text("train.logEvery"), "default");
    assert.equal(text("engine.kind"), "default");
    assert.equal(text("optim.betas.1"), "default");
  });

  it("composes parts at the top and inside mappings; later ones win, lists are replaced", () => {
    const parts = {
      "base.yaml": "extends: data/a.yaml\nmodel: {width: 128, depth: 12, patch: [1, 4, 4]}\nsamplePrompts: [a, b]\n",
      "data/a.yaml": "data:\n  extends: ../set.yaml\n  caption: c\n",
      "set.yaml": "dir: from-set\ncacheLatents: false\n",
      "small.yaml": "width: 16\nheads: 2\n",
    };
    const text = "extends: [base.yaml]\nmodel: {extends: [small.yaml], depth: 3}\nsamplePrompts: [z]\n";
    const { value, sources } = load(text, [], parts);
    assert.deepEqual(value.data, { ...value.data, dir: "from-set", caption: "c", cacheLatents: false });
    assert.deepEqual(value.model, { width: 16, depth: 3, heads: 2, mlpRatio: 4, qkNorm: true, patch: [1, 4, 4] });
    assert.deepEqual(value.samplePrompts, ["z"]);
    assert.match(sourceText(sources.get("model.width") ?? assert.fail()), /small\.yaml:1:8$/);
    assert.match(sourceText(sources.get("data.dir") ?? assert.fail()), /set\.yaml:1:6$/);
  });

  it("replaces a mapping when its kind changes", () => {
    const text = "data: {dir: x}\nengine: {kind: onnx, threads: 8}\n";
    assert.deepEqual(load(text, ["engine.kind=cpu"]).value.engine, { kind: "cpu", checkNumerics: false });
    assert.equal(load(text, ["engine.executor=javascript"]).value.engine.kind, "onnx");
    const both = load(text, ["engine.checkNumerics=true", "engine.kind=cpu"]).value.engine;
    assert.deepEqual(both, { kind: "cpu", checkNumerics: true });
  });

  it("takes a part from the command line", () => {
    withFiles({ "r.yaml": "data: {dir: x}\n", "m.yaml": "depth: 9\n" }, (dir) => {
      const override = `model.extends=${path.join(dir, "m.yaml")}`;
      assert.equal(loadRecipe(path.join(dir, "r.yaml"), [override], SampleSchema).value.model.depth, 9);
    });
  });

  it("lists every mistake on a line of its own, in the order of the file", () => {
    const text =
      'data:\n  dri: x\n  weights: {a: b}\nmodel: {width: 12, depth: 0, heads: 2.5}\noptim: {learningRate: "1e-3", schedule: cosin}\n';
    assert.deepEqual(refusal(`${text}train: [1]\nengine: {kind: onx}\nsteps: 5\nsamplePrompts: [1]\n`, ["seed=1.5"]), [
      "r.yaml:2:3 data.dri: unknown key; did you mean data.dir?",
      'r.yaml:3:16 data.weights.a: expected a number, got "b"',
      "r.yaml:4:16 model.width: expected a multiple of 8, got 12",
      "r.yaml:4:27 model.depth: expected a number >= 1, got 0",
      "r.yaml:4:37 model.heads: expected a whole number, got 2.5",
      'r.yaml:5:23 optim.learningRate: expected a number, got "1e-3"; remove the quotes',
      'r.yaml:5:41 optim.schedule: expected one of constant, cosine, got "cosin"; did you mean cosine?',
      "r.yaml:6:8 train: expected a mapping, got a list of 1",
      'r.yaml:7:16 engine.kind: expected one of onnx, cpu, got "onx"; did you mean onnx?',
      "r.yaml:8:1 steps: unknown key; did you mean train.steps?",
      "r.yaml:9:17 samplePrompts.0: expected a text, got 1",
      'override 1 "seed=1.5": expected a whole number, got 1.5',
    ]);
  });

  it("uses the words of the schema where it has some", () => {
    assert.deepEqual(refusal("name: a/b\ndata: {dir: x}\n"), ['r.yaml:1:7 name: expected a text without /, got "a/b"']);
  });

  it("suggests only keys that the chosen kind has", () => {
    const text = "data: {dir: x}\nengine: {kind: cpu, thread: 2}\n";
    assert.deepEqual(refusal(text), ["r.yaml:2:21 engine.thread: unknown key; engine knows kind, checkNumerics"]);
    assert.deepEqual(refusal(`${text}checkNumeric: true\n`).slice(1), [
      "r.yaml:3:1 checkNumeric: unknown key; did you mean engine.checkNumerics?",
    ]);
  });

  it("sees a typo in the key `kind` itself", () => {
    assert.deepEqual(refusal("data: {dir: x}\nplace: {knid: left, at: 1}\n"), [
      "r.yaml:2:9 place.knid: unknown key; did you mean place.kind?",
    ]);
    assert.deepEqual(refusal("data: {dir: x}\nplace: {at: 1}\n"), [
      "r.yaml:2:1 place.kind: missing; expected one of left, right",
    ]);
  });

  it("names what is missing and where it should stand", () => {
    assert.deepEqual(refusal("seed: 1\ndata:\n  caption: x\n"), ["r.yaml:2:1 data.dir: missing; expected a text"]);
    assert.deepEqual(refusal(""), ["r.yaml:1:1 data: missing; expected a mapping"]);
  });

  it("blames the override that is wrong", () => {
    const good = "data: {dir: x}\n";
    const second = (override: string) => refusal(good, ["seed=3", override])[0];
    assert.equal(second("train.stesp=5"), 'override 2 "train.stesp=5": unknown key; did you mean train.steps?');
    assert.equal(second("train.steps=abc"), 'override 2 "train.steps=abc": expected a number, got "abc"');
    assert.equal(
      second("train={steps: 0}"),
      'override 2 "train={steps: 0}": train.steps: expected a number >= 1, got 0',
    );
    assert.equal(second("train.steps"), 'override 2 "train.steps": expected key.path=value, such as train.steps=100');
    assert.equal(
      second("__proto__.x=1"),
      'override 2 "__proto__.x=1": expected key.path=value, such as train.steps=100',
    );
    assert.equal(second("seed="), 'override 2 "seed=": expected a value after "="; for an empty text write ""');
    assert.match(second("seed=[1") ?? "", /^override 2 "seed=\[1": Flow sequence/);
  });

  it("changes items of lists by their number, whatever their order on the command line", () => {
    const text = "data: {dir: x}\nsamplePrompts: [a, b]\noptim: {betas: [0.8, 0.9]}\n";
    const { value, sources } = load(text, ["optim.betas.1=0.95", "samplePrompts.1=c", "samplePrompts.0=d"]);
    assert.deepEqual(value.samplePrompts, ["d", "c"]);
    assert.deepEqual(value.optim.betas, [0.8, 0.95]);
    assert.equal(sourceText(sources.get("optim.betas.1") ?? assert.fail()), "command line");
    assert.match(sourceText(sources.get("optim.betas.0") ?? assert.fail()), /r\.yaml:3:17$/);
    assert.deepEqual(load(text, ["samplePrompts=[e, f]", "samplePrompts.0=g"]).value.samplePrompts, ["g", "f"]);
    const place = "expected an item that the list has, counted from 0, got item 2 of a list of 2";
    assert.deepEqual(refusal(text, ["samplePrompts.2=c"]), [`override 1 "samplePrompts.2=c": ${place}`]);
    assert.match(refusal(`${text}engine: {0: 1}\n`)[0] ?? "", /^r\.yaml:4:10 engine\.0: unknown key/);
    assert.match(refusal("data: {dir: x}\nsamplePrompts: {0: a}\n")[0] ?? "", /expected a list, got a mapping/);
  });

  it("refuses keys without effect, defaults aside", () => {
    const text = "data: {dir: x, cacheLatents: false}\noptim:\n  schedule: constant\n";
    assert.deepEqual(refusal(`${text}  minRate: 0\n`), [
      "r.yaml:4:3 optim.minRate: has no effect: only schedule cosine reads it; remove it",
    ]);
    assert.deepEqual(refusal(text, ["data.cachePath=y"]), [
      'override 1 "data.cachePath=y": has no effect: only data.cacheLatents reads it; remove it',
    ]);
    assert.match(load(text).toYaml(), /^ {2}# minRate: 0 +# no effect: only schedule cosine reads it$/m);
  });

  it("refuses missing parts, cycles and things that are no parts", () => {
    const got = refusal("extends: b.yaml\n", [], {
      "b.yaml": "model:\n  extends: c.yaml\n",
      "c.yaml": "extends: b.yaml\n",
    });
    assert.deepEqual(got, ["c.yaml:1:10 extends: expected parts without a cycle, got b.yaml -> c.yaml -> b.yaml"]);
    assert.deepEqual(refusal("seed: 1\nmodel: {extends: [x.yaml]}\n"), [
      "r.yaml:2:19 model.extends: expected a readable YAML file, got no such file x.yaml",
    ]);
    assert.deepEqual(refusal("extends: /etc/passwd\n"), [
      'r.yaml:1:10 extends: expected the path of a .yaml file, got "/etc/passwd"',
    ]);
  });

  it("prints a tree that loads again to the same value", () => {
    const recipe = fc.record(
      {
        name: fc.string({ unit: "grapheme" }).filter((text) => !text.includes("/")),
        seed: fc.integer(),
        data: fc.record({
          dir: fc.oneof(
            fc.string(),
            fc.constantFrom("- a", "a: b", "#x", "1e3", "null", "~", "a\nb", " x ", "*a", "\ttab"),
          ),
          sources: fc.array(fc.record({ path: fc.string(), fraction: fc.constantFrom(1, 1e-12, 0.1) }), {
            maxLength: 3,
          }),
          weights: fc.dictionary(
            fc.string({ maxLength: 4 }).filter((key) => key !== "__proto__" && key !== "extends"),
            fc.double({ noNaN: true, noDefaultInfinity: true }),
          ),
        }),
        optim: fc.record({ schedule: fc.constantFrom("constant", "cosine"), clipNorm: fc.constantFrom(null, 0.5) }),
        engine: fc.constantFrom({ kind: "cpu" }, { kind: "onnx", threads: 3 }),
        samplePrompts: fc.array(fc.string(), { maxLength: 4 }),
      },
      { requiredKeys: ["data"] },
    );
    fc.assert(
      fc.property(recipe, fc.boolean(), (input, sources) => {
        const first = load(JSON.stringify(input));
        const again = load(first.toYaml({ sources }));
        assert.deepEqual(again.value, first.value);
        assert.equal(again.toYaml(), first.toYaml());
      }),
      { numRuns: 100, seed: 7 },
    );
  });

  it("prints keys in the order of the schema with sources beside them", () => {
    const yaml = load("train: {steps: 3}\ndata: {dir: d}\n").toYaml({ sources: true });
    const keys = [...yaml.matchAll(/^(\w+):/gm)].map((match) => match[1] ?? "");
    const expected: (keyof Sample)[] = [
      "name",
      "seed",
      "model",
      "data",
      "optim",
      "engine",
      "place",
      "train",
      "samplePrompts",
    ];
    assert.deepEqual(keys, expected);
    assert.match(yaml, /^ {2}steps: 3 +# .*r\.yaml:1:16$/m);
    assert.match(yaml, /^ {2}patch: \[1, 2, 2\] +# default$/m);
  });
});
