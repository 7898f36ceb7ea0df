import assert from "node:assert/strict";
import highs, { type Highs } from "highs";

/** Another solver of linear and integer programs. The package's types are those of its CommonJS form. */
export function loadHighs(): Promise<Highs> {
  const load: unknown = highs;
  assert.ok(isLoader(load), "highs exports its loader");
  return load();
}

function isLoader(value: unknown): value is typeof highs.default {
  return typeof value === "function";
}
