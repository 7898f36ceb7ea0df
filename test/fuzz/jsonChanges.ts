import fc, { type Arbitrary } from "fast-check";

/** A change to a JSON value: which of its parts, what happens to it, and a value to put there. */
type Change = readonly [part: number, kind: number, value: unknown];

/** Values at which readers of JSON go wrong. */
const hostile = fc.constantFrom<unknown>(
  ...[null, true, 0, -0, -1, 0.5, 1e308, 2 ** 53, 2 ** 31, "", "..", "../x", "/etc/passwd", "a\0b", "a\nb\u001b[2J"],
  ...[
    [],
    {},
    [[]],
    [0, -1],
    [2 ** 52, 2 ** 52],
    { a: 1 },
    "x".repeat(3000),
    "0".repeat(64),
    "__proto__",
    "constructor",
  ],
  JSON.parse('{"__proto__":{"polluted":true}}'),
);

const change: Arbitrary<Change> = fc.tuple(
  fc.nat(),
  fc.nat(3),
  fc.oneof(hostile, fc.jsonValue({ maxDepth: 2 }), fc.integer()),
);

/**
 * Values that are sound ones but for one to three parts: replaced, left out, under another name, or doubled. They keep
 * the form of JSON, and so reach the checks behind its parser.
 */
export function jsonChanges(seeds: readonly unknown[]): Arbitrary<unknown> {
  return fc
    .tuple(fc.nat(seeds.length - 1), fc.array(change, { minLength: 1, maxLength: 3 }))
    .map(([seed, changes]) => changes.reduce<unknown>(changed, structuredClone(seeds[seed])));
}

interface Part {
  readonly holder: object;
  readonly key: string;
}

function changed(value: unknown, [part, kind, put]: Change): unknown {
  const parts = partsOf(value);
  const chosen = parts[part % (parts.length + 1)];
  if (chosen === undefined) return kind === 0 ? put : value;
  const { holder, key } = chosen;
  if (kind === 1) Reflect.deleteProperty(holder, key);
  else if (kind === 2) define(holder, String(put), Reflect.get(holder, key));
  else if (kind === 3 && Array.isArray(holder)) holder.push(Reflect.get(holder, key));
  else define(holder, key, put);
  return value;
}

/** As an own property, whatever its name. */
function define(holder: object, key: string, value: unknown): void {
  if (Array.isArray(holder) && !/^\d{1,4}$/.test(key)) return;
  Object.defineProperty(holder, key, {
    value: structuredClone(value),
    enumerable: true,
    writable: true,
    configurable: true,
  });
}

function partsOf(value: unknown): Part[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [{ holder: value, key }, ...partsOf(inner)]);
}
