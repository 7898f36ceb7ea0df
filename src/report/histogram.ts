/** Counts of values in buckets of equal width. The fields are those of TensorBoard's histograms. */
export interface Histogram {
  readonly min: number;
  readonly max: number;
  /** How many values, their sum and the sum of their squares. */
  readonly num: number;
  readonly sum: number;
  readonly sumSquares: number;
  /** Upper edge and count of each bucket. */
  readonly bucketLimit: number[];
  readonly bucket: number[];
}

/** The histogram of the finite values; undefined when there are none. Equal values make one bucket. */
export function histogramOf(values: ArrayLike<number>, numBuckets = 30): Histogram | undefined {
  let [min, max] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [num, sum, sumSquares] = [0, 0, 0];
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) continue;
    min = Math.min(min, value);
    max = Math.max(max, value);
    num += 1;
    sum += value;
    sumSquares += value * value;
  }
  if (num === 0) return undefined;
  if (min === max) return { min, max, num, sum, sumSquares, bucketLimit: [max], bucket: [num] };
  const bucket = new Array<number>(numBuckets).fill(0);
  const perUnit = numBuckets / (max - min);
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i] as number;
    if (!Number.isFinite(value)) continue;
    const at = Math.min(numBuckets - 1, Math.floor((value - min) * perUnit));
    bucket[at] = (bucket[at] as number) + 1;
  }
  const bucketLimit = bucket.map((_, i) => (i === numBuckets - 1 ? max : min + (i + 1) / perUnit));
  return { min, max, num, sum, sumSquares, bucketLimit, bucket };
}
