import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { withFiles } from "../config/sample.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

function kinema(...args: string[]) {
  const options = { cwd: root, encoding: "utf8", env: { ...process.env, LANG: "de_DE.UTF-8" } } as const;
  const { status, stdout, stderr } = spawnSync(
    "node",
    ["--import", "tsx", "test/cli/sampleProgram.ts", ...args],
    options,
  );
  return { status, stdout, stderr };
}

describe("the command line", () => {
  it("prints its version and help, without mounting any command", () => {
    const version = spawnSync("node", ["src/cli/kinema.js", "--version"], { cwd: root, encoding: "utf8" });
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
    const help = kinema("--help");
    assert.equal(help.status, 0);
    assert.match(help.stdout, /kinema inspect +Show a recipe/);
    assert.match(help.stdout, /kinema heavy/);
    assert.match(help.stdout, /--debug/);
  });

  it("shows typed options and examples of a command", () => {
    const { stdout } = kinema("inspect", "config", "--help");
    assert.match(stdout, /--json .*\[boolean\]/);
    assert.match(stdout, /kinema inspect config configs\/tiny\.yaml/);
  });

  it("answers a wrong command line with one line and exit code 2", () => {
    const cases: [string[], RegExp][] = [
      [[], /^kinema: no command given/],
      [["inspct"], /^kinema: Did you mean inspect\?/],
      [["inspect", "confg", "x"], /^kinema: Did you mean config\?/],
      [["inspect", "config"], /^kinema: got 0 arguments, expected at least 1/],
      [["inspect", "config", "x.yaml", "--jsn"], /^kinema: unknown argument: jsn; see --help/],
      [["inspect", "config", "x.yaml"], /^x\.yaml: expected a readable YAML file, got no such file x\.yaml/],
    ];
    for (const [args, message] of cases) {
      const { status, stdout, stderr } = kinema(...args);
      assert.equal(status, 2, args.join(" "));
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.equal(stderr.split("\n").length, 2, stderr);
    }
  });

  it("tells bugs from mistakes: exit code 1, the stack with --debug only", () => {
    const plain = kinema("broken");
    assert.equal(plain.status, 1);
    assert.equal(plain.stderr, "internal error: x is not a function; run again with --debug for the stack trace\n");
    const debug = kinema("--debug", "broken");
    assert.equal(debug.status, 1);
    assert.match(debug.stderr, /^TypeError: x is not a function\n +at .*sampleProgram\.ts/);
  });

  it("inspect config prints the tree with sources, or as JSON", () => {
    withFiles({ "r.yaml": "data:\n  dir: x\n" }, (dir) => {
      const { status, stdout } = kinema("inspect", "config", `${dir}/r.yaml`, "train.steps=5", "seed=-3");
      assert.equal(status, 0);
      assert.match(stdout, /^ {2}dir: x +# .*r\.yaml:2:8$/m);
      assert.match(stdout, /^ {2}steps: 5 +# command line$/m);
      assert.match(stdout, /^seed: -3 +# command line$/m);
      const good = JSON.parse(kinema("inspect", "config", `${dir}/r.yaml`, "--json", "model.depth=3").stdout);
      assert.equal(good.value.model.depth, 3);
      assert.equal(good.sources["model.depth"], "command line");
      assert.equal(good.sources["engine.kind"], "default");
    });
  });
});
