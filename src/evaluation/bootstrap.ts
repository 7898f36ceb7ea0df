import { KeyedRandom } from "../base/random.ts";

/** Resamples of the values: enough that the ends of an interval move by less than its last printed digit. */
const RESAMPLES = 1000;

/** A mean with the interval that holds 95 % of the means of resampled values. */
export interface Estimate {
  readonly mean: number;
  readonly ci95: readonly [number, number];
  readonly n: number;
}

/**
 * Mean and percentile bootstrap interval of some values, at least one. The same values give the same interval.
 * Source: Efron & Tibshirani, An Introduction to the Bootstrap, section 13.3.
 */
export function bootstrapMean(values: readonly number[]): Estimate {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const random = new KeyedRandom(0, "bootstrap");
  const means = Array.from({ length: RESAMPLES }, () => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[random.int(n)] as number;
    return sum / n;
  }).sort((a, b) => a - b);
  const at = (share: number): number => means[Math.round(share * (RESAMPLES - 1))] as number;
  return { mean, ci95: [at(0.025), at(0.975)], n };
}
