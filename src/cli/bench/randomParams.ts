import { KeyedRandom } from "../../base/random.ts";
import type { FlatLayout } from "../../train/flatState.ts";

/**
 * Starting values, with small random numbers where training starts at zero: a network that is zero in parts would
 * compute with zeros and denormals, which is not the speed that training has.
 */
export function randomParams(layout: FlatLayout): Float32Array {
  const params = layout.allocate();
  layout.initialise(params, 0);
  for (const { path, init, offset, size } of layout.slots) {
    if (init.kind !== "zeros") continue;
    const values = new KeyedRandom(0, "bench", path).fillNormal(params.subarray(offset, offset + size));
    values.forEach((value, i) => {
      values[i] = 0.02 * value;
    });
  }
  return params;
}
