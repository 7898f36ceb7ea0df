import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";

/** Ways to turn data into code. A literal after `import(` or `require(` is none. */
const dangers = [
  /\beval\(/,
  /\bnew Function\b|\bFunction\(/,
  /\bimport\((?!["'][^"']*["']\))/,
  /\brequire\((?!["'][^"']*["']\))/,
  /\bcreateRequire\(/,
  /node:vm|node:repl|\beval: true/,
  /\bprocess\.dlopen\b/,
];

/** Where names of our own code or of installed packages are loaded, and why no file of data decides them. */
const allowed: Readonly<Record<string, string>> = {
  "base/childArgv.ts": "where npm put tsx, which runs our own sources",
  "base/thread.ts": "the file of a thread is a URL in our own sources",
  "engine/eager/backends.ts": "names of packages in a table of constants",
  "engine/eager/tensorflowBackend.ts": "the package that `kinema engine install` built in the user's cache",
  "engine/runtime/ortLibrary.ts": "where npm put onnxruntime-node",
};

const root = fileURLToPath(new URL("../src", import.meta.url));

/** The text without comments. */
function codeOf(file: string): string {
  return readFileSync(path.join(root, file), "utf8")
    .replaceAll(/\/\*[\s\S]*?\*\//g, "")
    .replaceAll(/^\s*\/\/.*$/gm, "");
}

describe("no file of data can name code to run", () => {
  const files = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((file) => /\.[jt]s$/.test(file));

  it("nothing is evaluated, imported or loaded by a name that is not written in the sources", () => {
    const found = files.filter((file) => dangers.some((danger) => danger.test(codeOf(file)))).sort();
    assert.deepEqual(found, Object.keys(allowed).sort());
  });

  it("the search sees each way to do it", () => {
    const ways = [
      'eval("x")',
      "new Function(x)",
      "import(name)",
      "require(name)",
      "createRequire(x)",
      "process.dlopen(m)",
    ];
    for (const way of ways)
      assert(
        dangers.some((danger) => danger.test(way)),
        way,
      );
    for (const fine of ['import("./a.ts")', 'await import("x")'])
      assert(!dangers.some((danger) => danger.test(fine)), fine);
  });

  it("rooms that read checkpoints, datasets and recipes are not among the exceptions", () => {
    const readers = /^(config|data|train|models|sampling|evaluation|cli)\//;
    assert.deepEqual(
      Object.keys(allowed).filter((file) => readers.test(file)),
      [],
    );
  });
});
