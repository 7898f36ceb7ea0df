import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { withFiles } from "./config/sample.ts";

const root = fileURLToPath(new URL("../", import.meta.url));

/** The rooms of the house, in the order in which they may import: each only those before it. */
const rooms = [
  ...["base", "config", "engine", "nn", "models", "diffusion", "data", "train"],
  ...["sampling", "evaluation", "provenance", "report", "registry", "cli"],
];

/** Runs the linter with the project's own settings on files of a project of their own; gives `rule file` a finding. */
function lint(files: Readonly<Record<string, string>>, only: string): string[] {
  return withFiles({ ...files, "package.json": '{ "type": "module" }' }, (dir) => {
    cpSync(path.join(root, "biome.json"), path.join(dir, "biome.json"));
    const biome = path.join(root, "node_modules/@biomejs/biome/bin/biome");
    const args = [biome, "lint", `--only=${only}`, "--reporter=json", "--max-diagnostics=none", "src"];
    const { stdout } = spawnSync("node", args, { cwd: dir, encoding: "utf8" });
    const report: unknown = JSON.parse(stdout);
    assert(typeof report === "object" && report !== null && "diagnostics" in report, stdout);
    assert(Array.isArray(report.diagnostics));
    return report.diagnostics.map(({ category, location }) => `${category} ${location.path}`).sort();
  });
}

const importing = (from: string) => `import { x } from "${from}";\nexport const y = x;\n`;

describe("the linter", () => {
  it("lets every room import only the rooms before it, and no room the experiments", () => {
    const files: Record<string, string> = {};
    const expected: string[] = [];
    for (const [i, room] of rooms.entries()) {
      for (const [j, other] of [...rooms, "experiments"].entries()) {
        if (room === other || room === "registry") continue;
        const file = `src/${room}/some/folder/uses-${other}.ts`;
        files[file] = importing(other === "registry" ? "../../../registry.ts" : `../../../${other}/a/thing.ts`);
        const isAllowed = j < i && !(room === "data" && other === "models");
        if (!isAllowed) expected.push(`lint/style/noRestrictedImports ${file}`);
      }
    }
    files["src/registry.ts"] = importing("./report/thing.ts");
    assert(expected.length > 80);
    assert.deepEqual(lint(files, "style/noRestrictedImports"), expected.sort());
    const registry = lint({ "src/registry.ts": importing("./cli/main.ts") }, "style/noRestrictedImports");
    assert.deepEqual(registry, ["lint/style/noRestrictedImports src/registry.ts"]);
  });

  it("finds import cycles and promises that nobody awaits", () => {
    const cycle = { "src/base/a.ts": importing("./b.ts"), "src/base/b.ts": importing("./a.ts") };
    assert.deepEqual(lint(cycle, "suspicious/noImportCycles"), [
      "lint/suspicious/noImportCycles src/base/a.ts",
      "lint/suspicious/noImportCycles src/base/b.ts",
    ]);
    const floating = "async function f(): Promise<void> {}\nexport function g(): void {\n  f();\n}\n";
    assert.deepEqual(lint({ "src/base/a.ts": floating }, "nursery/noFloatingPromises"), [
      "lint/nursery/noFloatingPromises src/base/a.ts",
    ]);
  });

  it("the sources draw random numbers from base/random.ts alone", () => {
    const files = readdirSync(path.join(root, "src"), { recursive: true, encoding: "utf8" });
    const users = files.filter(
      (file) => file.endsWith(".ts") && /\bMath\.random\b/.test(readFileSync(path.join(root, "src", file), "utf8")),
    );
    assert.deepEqual(users, []);
  });
});
