import type { Node } from "../../graph/graph.ts";
import type { OnnxWriter } from "../writer.ts";

/*
 * Sine, cosine and tangent by operations that every device computes alike. A GPU's own are only good to 2^-11, and
 * only near zero; the frequencies of a time embedding reach hundreds of radians.
 */

/** pi in three parts with few bits each, so that small whole multiples of the first two are exact. */
const PI_PARTS = [3.140625, 2029 / 2 ** 21, 1.509957990978376e-7] as const;

/** sin(r) / r in powers of r^2 on [-pi/2, pi/2]: Taylor's, good to 6e-8 with this many terms. */
const SINE = [1, -1 / 6, 1 / 120, -1 / 5040, 1 / 362880, -1 / 39916800] as const;

/** sin(x) or cos(x). With m the nearest whole (sine) or half (cosine) number to x / pi: sin(x) = (-1)^m sin(x - m pi). */
export function turned(writer: OnnxWriter, x: string, which: "sine" | "cosine"): string {
  const number = (value: number) => writer.uniform(value, { shape: [], dtype: "float32" });
  const op = (name: string, ...inputs: readonly string[]) => writer.step(name, inputs);
  const turns = op("Mul", x, number(1 / Math.PI));
  const whole = op("Floor", which === "sine" ? op("Add", turns, number(0.5)) : turns);
  const nearest = which === "sine" ? whole : op("Add", whole, number(0.5));
  const rest = PI_PARTS.reduce((left, part) => op("Sub", left, op("Mul", nearest, number(part))), x);
  const square = op("Mul", rest, rest);
  const series = SINE.slice(0, -1).reduceRight(
    (sum, coefficient) => op("Add", op("Mul", sum, square), number(coefficient)),
    number(SINE[SINE.length - 1] as number),
  );
  const half = op("Floor", op("Mul", whole, number(0.5)));
  const odd = op("Sub", whole, op("Add", half, half));
  const [atEven, atOdd] = which === "sine" ? [1, -1] : [-1, 1];
  const sign = op("Add", op("Mul", odd, number(atOdd - atEven)), number(atEven));
  return op("Mul", op("Mul", rest, series), sign);
}

/** Writes a node's sine, cosine or tangent. */
export function lowerTrigonometry(
  node: Node,
  writer: OnnxWriter,
  x: string,
  which: "sine" | "cosine" | "tangent",
): void {
  if (which === "tangent") writer.result(node, "Div", [turned(writer, x, "sine"), turned(writer, x, "cosine")]);
  else writer.result(node, "Identity", [turned(writer, x, which)]);
}
