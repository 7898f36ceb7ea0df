import assert from "node:assert/strict";
import path from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { plainValue } from "../../src/config/node.ts";
import { loadRecipe } from "../../src/config/recipe.ts";
import { parseYaml } from "../../src/config/yaml.ts";
import { SampleSchema, withFiles } from "./sample.ts";

const maxMs = 100;
const maxGrowthBytes = 50e6;

/** Loads a hostile recipe; gives the first line of its refusal. Checks the bounds on time (best of 3) and memory. */
function refuse(files: Record<string, string>): string {
  return withFiles(files, (dir) => {
    const attempts = [1, 2, 3].map(() => attempt(path.join(dir, "r.yaml")));
    const ms = Math.min(...attempts.map((each) => each.ms));
    const growth = Math.max(...attempts.map((each) => each.growthBytes));
    assert(ms < maxMs, `${ms.toFixed(0)} ms`);
    assert(growth < maxGrowthBytes, `${(growth / 1e6).toFixed(0)} MB`);
    return attempts[0]?.message.replace(/^.*?(?=r\.yaml)/, "") ?? "";
  });
}

function attempt(file: string) {
  const rss = process.memoryUsage().rss;
  const start = process.cpuUsage();
  try {
    loadRecipe(file, [], SampleSchema);
  } catch (error) {
    const { user, system } = process.cpuUsage(start);
    assert(error instanceof UserError, String(error));
    const message = error.message.split("\n")[0] ?? "";
    return { ms: (user + system) / 1000, growthBytes: process.memoryUsage().rss - rss, message };
  }
  return assert.fail("accepted");
}

function plain(text: string): unknown {
  return plainValue(parseYaml(text, (line, col) => ({ kind: "file", file: "t.yaml", line, col })));
}

describe("YAML from strangers", () => {
  before("compile the parser once, so that times are its own", () => {
    refuse({ "r.yaml": "a: [1, {b: c}]\n" });
  });

  it("refuses anchors and aliases, so that nothing can multiply", () => {
    const bomb = Array.from({ length: 30 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i}, `.repeat(9)}*a${i}]`).join(
      "\n",
    );
    assert.match(
      refuse({ "r.yaml": `a0: &a0 x\n${bomb}\n` }),
      /^r\.yaml:1:5: expected plain values, got an anchor or alias &a0/,
    );
  });

  it("refuses deep nesting of every form", () => {
    const deep = 10_000;
    const block = Array.from({ length: 300 }, (_, i) => `${" ".repeat(i)}a:\n`).join("");
    for (const text of ["[".repeat(deep), `a: ${"{a: ".repeat(deep)}`, "- ".repeat(deep), "? ".repeat(deep), block]) {
      assert.match(refuse({ "r.yaml": text }), /expected at most 40 levels of nesting, got more$/);
    }
  });

  it("refuses duplicate keys, __proto__, tags, strange keys and second documents", () => {
    assert.equal(
      refuse({ "r.yaml": "seed: 1\nname: x\nseed: 2\n" }),
      "r.yaml:3:1 seed: duplicate key; it is given above already",
    );
    assert.equal(
      refuse({ "r.yaml": "model: {width: 8, width: 8}\n" }),
      "r.yaml:1:19 model.width: duplicate key; it is given above already",
    );
    assert.equal(
      refuse({ "r.yaml": "model:\n  __proto__: {x: 1}\n" }),
      "r.yaml:2:3 model.__proto__: this key is not allowed",
    );
    assert.equal(
      refuse({ "r.yaml": "data: {dir: x}\nmodel:\n  constructor: {x: 1}\n" }).replace(/;.*/, ""),
      "r.yaml:3:3 model.constructor: unknown key",
    );
    assert.match(refuse({ "r.yaml": "seed: !!js/function x\n" }), /^r\.yaml:1:/);
    assert.match(refuse({ "r.yaml": "? [a]\n: 1\n" }), /^r\.yaml:1:3: expected a name before the colon/);
    assert.match(
      refuse({ "r.yaml": "seed: 1\n---\nseed: 2\n" }),
      /^r\.yaml:2:1: expected one document, got a second one/,
    );
    assert.match(refuse({ "r.yaml": "seed: 1\n\tname: x\n" }), /^r\.yaml:2:1: /);
    assert.match(
      refuse({ "r.yaml": "just text\n" }),
      /^r\.yaml:1:1: expected a mapping \(key: value\), got a single value/,
    );
  });

  it("refuses huge files, and files that are none, without reading them", () => {
    assert.match(
      refuse({ "r.yaml": `# ${"x".repeat(50e6)}` }),
      /expected a recipe of at most 64 KiB, got 50000002 bytes in /,
    );
    assert.throws(() => loadRecipe("/dev/zero", [], SampleSchema), /got \/dev\/zero, which is no file$/);
    assert.throws(() => loadRecipe("test", [], SampleSchema), /got test, which is no file$/);
  });

  it("refuses many keys, known or not", () => {
    const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i}: 1\n`).join("");
    assert.match(refuse({ "r.yaml": keys(6000) }), /^r\.yaml:\d+:\d+: expected about a thousand values at most/);
    assert.match(refuse({ "r.yaml": `data: {dir: x}\n${keys(1300)}` }), /^r\.yaml:2:1 k0: unknown key/);
  });

  it("refuses parts that multiply", () => {
    const files = Object.fromEntries(
      Array.from({ length: 40 }, (_, i) => {
        const next = i === 39 ? "v: 1\n" : `a: {extends: p${i + 1}.yaml}\nb: {extends: p${i + 1}.yaml}\n`;
        return [i === 0 ? "r.yaml" : `p${i}.yaml`, next];
      }),
    );
    assert.match(refuse(files), /expected at most 20000 values, got more; try fewer or smaller parts$/);
    assert.match(
      refuse({ "r.yaml": `extends: [${"p.yaml, ".repeat(101)}p.yaml]`, "p.yaml": "seed: 1" }),
      /at most 100 parts/,
    );
  });

  it("reads what recipes use", () => {
    assert.deepEqual(plain("a: 1e-4\nb: [yes, on, 0x10, ~]\n'c': |\n  *x\n  &y\nd: '*z'\n3: .5\n"), {
      a: 1e-4,
      b: ["yes", "on", 16, null],
      c: "*x\n&y\n",
      d: "*z",
      3: 0.5,
    });
    assert.deepEqual(plain(""), {});
    assert.deepEqual(plain("# nothing\n"), {});
    assert.deepEqual(plain("a:\n"), { a: null });
  });
});
