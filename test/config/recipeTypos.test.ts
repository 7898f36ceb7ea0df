import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { UserError } from "../../src/base/errors.ts";
import { KeyedRandom } from "../../src/base/random.ts";
import { valueAt } from "../../src/config/mapping.ts";
import { loadRecipe } from "../../src/config/recipe.ts";
import { fieldsOf, schemaAt } from "../../src/config/schema.ts";
import { displayPath } from "../../src/config/source.ts";
import { readYamlFile } from "../../src/config/yaml.ts";
import { recipeSchema } from "../../src/registry.ts";
import { singleEdit, type WrittenKey, writtenKeys } from "./singleEdits.ts";

/** What became of the typos of one file. */
interface Tally {
  keys: number;
  typos: number;
  right: number;
  readonly wrong: string[];
}

describe("typos in shipped recipes", function () {
  // Thousands of recipes are read: half a minute on two quiet cores.
  this.timeout(240_000);
  let folder = "";
  before(() => {
    folder = mkdtempSync(path.join(tmpdir(), "kinema-typos-"));
    cpSync("configs", folder, { recursive: true });
  });
  after(() => rmSync(folder, { recursive: true }));

  const recipes = readdirSync("configs").filter((name) => name.endsWith(".yaml"));

  /** Tries typos of every key in a file that a recipe is, or is a part of. */
  function tryTypos(recipe: string, file: string, under: readonly string[], typosPerKey: number, tally: Tally): void {
    const recipePath = path.join(folder, recipe);
    const filePath = path.join(folder, file);
    const text = readFileSync(filePath, "utf8");
    const { value } = loadRecipe(recipePath, [], recipeSchema);
    for (const key of writtenKeys(readYamlFile(filePath, "test"))) {
      tally.keys += 1;
      const place = [...under, ...key.path];
      const mapping = place.slice(0, -1);
      const schema = schemaAt(recipeSchema, mapping, value);
      assert(schema !== undefined, place.join("."));
      const known = [...fieldsOf(schema, valueAt(value, mapping)).keys(), ...key.siblings];
      for (let turn = 0; turn < typosPerKey; turn += 1) {
        const typo = typoOf(key, known, new KeyedRandom(1, "test.typos", recipe, file, place.join("."), turn));
        tally.typos += 1;
        writeFileSync(filePath, withKey(text, key, typo));
        const lines = refusal(recipePath, typo);
        const start = `${displayPath(filePath)}:${key.line}:${key.col} ${[...mapping, typo].join(".")}: unknown key; did you mean ${place.join(".")}`;
        const isRight = lines.some((line) => line === `${start}?` || line.startsWith(`${start} or `));
        if (isRight) tally.right += 1;
        else tally.wrong.push(`${place.join(".")} as ${typo}: ${lines.join(" | ")}`);
      }
    }
    writeFileSync(filePath, text);
  }

  function refusal(recipePath: string, typo: string): string[] {
    try {
      loadRecipe(recipePath, [], recipeSchema);
    } catch (error) {
      assert(error instanceof UserError, String(error));
      return error.message.split("\n");
    }
    return assert.fail(`${recipePath}: ${typo} was accepted`);
  }

  function report(what: string, { keys, typos, right, wrong }: Tally): void {
    const share = `${((100 * right) / typos).toFixed(1)} %`;
    console.log(`     ${what}: ${keys} keys, ${typos} typos, ${share} with the right suggestion, line and column`);
    assert(right >= 0.95 * typos, `${share}:\n${wrong.slice(0, 40).join("\n")}`);
  }

  it("every key as it is written, in recipes and their parts", () => {
    const tally: Tally = { keys: 0, typos: 0, right: 0, wrong: [] };
    for (const recipe of recipes) {
      tryTypos(recipe, recipe, [], 3, tally);
      const part = /extends: (data\/.*?\.yaml)/.exec(readFileSync(path.join(folder, recipe), "utf8"))?.[1];
      assert(part !== undefined);
      tryTypos(recipe, part, ["data"], 3, tally);
    }
    assert(tally.keys > 200, String(tally.keys));
    report("written keys", tally);
  });

  it("every key that a resolved recipe has, defaults too", () => {
    const tally: Tally = { keys: 0, typos: 0, right: 0, wrong: [] };
    for (const recipe of ["tiny-vae.yaml", "quickstart.yaml"]) {
      const resolved = `resolved-${recipe}`;
      writeFileSync(path.join(folder, resolved), loadRecipe(path.join(folder, recipe), [], recipeSchema).toYaml());
      tryTypos(resolved, resolved, [], 1, tally);
    }
    assert(tally.keys > 150, String(tally.keys));
    report("keys of resolved recipes", tally);
  });
});

/** A typo that is no other key of its mapping: that would be no typo that anyone could see. */
function typoOf({ path: place }: WrittenKey, known: readonly string[], random: KeyedRandom): string {
  const name = place.at(-1) ?? "";
  for (;;) {
    const typo = singleEdit(name, random);
    if (!known.includes(typo)) return typo;
  }
}

/** The text with another name for a key. */
function withKey(text: string, { path: place, line, col }: WrittenKey, name: string): string {
  const lines = text.split("\n");
  const at = lines[line - 1] ?? "";
  const old = place.at(-1) ?? "";
  assert(at.slice(col - 1).startsWith(old), `${old} at ${line}:${col} of ${at}`);
  lines[line - 1] = at.slice(0, col - 1) + name + at.slice(col - 1 + old.length);
  return lines.join("\n");
}
