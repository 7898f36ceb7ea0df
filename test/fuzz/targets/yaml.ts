import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { plainValue } from "../../../src/config/node.ts";
import { loadRecipe } from "../../../src/config/recipe.ts";
import { parseYaml } from "../../../src/config/yaml.ts";
import { recipeSchema } from "../../../src/registry.ts";
import { mutations } from "../mutations.ts";
import type { FuzzTarget } from "../target.ts";

const configs = fileURLToPath(new URL("../../../configs/", import.meta.url));

const tokens = [
  ...["&a ", "*a", "<<: *a", "!!js/function x", "!!binary aGk=", "? ", "- - - - ", "{a: ", "[[[[[[", "]", "}", "\t"],
  ...[
    "__proto__: {x: 1}",
    "constructor: 1",
    "--- \n",
    "...\n",
    "%YAML 1.1\n",
    "|\n",
    ">-\n",
    '"',
    "'",
    "#",
    ": ",
    "\0",
  ],
  ...[".inf", ".nan", "0o17", "0x7fffffffffffffff", "1e999", "2001-01-01", "~", "\u2028", "extends: ../../x.yaml\n"],
];

/** The shipped recipes that name no part, and one text with every form of YAML that recipes use. */
function seeds(): Uint8Array[] {
  const files = readdirSync(configs).filter((name) => name.endsWith(".yaml"));
  const forms =
    'a: "b\\n"\nc:\n  - {d: 1.5, e: [1, -2, null]}\n  - |\n    text\n    more\n"f g": true # h\ni: >-\n  j\n';
  return [...files.map((name) => readFileSync(join(configs, name))), Buffer.from(forms)];
}

/** The parser of recipes. */
export function openYaml(): FuzzTarget {
  return {
    name: "yaml",
    runs: 100_000,
    slice: 2000,
    inputs: mutations(seeds(), tokens),
    read: (bytes) => {
      const text = Buffer.from(bytes).toString();
      const value = plainValue(parseYaml(text, (line, col) => ({ kind: "file", file: "r.yaml", line, col })));
      JSON.stringify(value);
      if (Reflect.get({}, "x") !== undefined) throw new Error("a prototype was changed");
    },
  };
}

/** Whole recipes: parsed, composed, validated, their mistakes explained. */
export function openRecipe(scratch: string): FuzzTarget {
  const file = join(scratch, "recipe.yaml");
  const parts = readdirSync(join(configs, "data")).map((name) => readFileSync(join(configs, "data", name), "utf8"));
  const recipes = seeds().map((text) =>
    Buffer.from(text.toString().replace(/^data: .*$/m, `data:\n${indented(parts[0] ?? "")}`)),
  );
  return {
    name: "recipe",
    runs: 20_000,
    slice: 200,
    inputs: mutations(recipes, tokens),
    read: (bytes) => {
      writeFileSync(file, bytes);
      loadRecipe(file, [], recipeSchema).toYaml();
    },
  };
}

function indented(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}
