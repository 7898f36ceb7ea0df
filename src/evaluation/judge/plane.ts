/**
 * The plane z = a + b x + c y nearest to some pixels of a picture, by least squares; the mean where they do not tell a
 * slope.
 * @param values one a pixel, row after row.
 */
export function fitPlane(
  values: Float32Array,
  width: number,
  counts: (pixel: number) => boolean,
): (x: number, y: number) => number {
  let [n, sumX, sumY, sumZ] = [0, 0, 0, 0];
  values.forEach((z, i) => {
    if (!counts(i)) return;
    n++;
    sumX += i % width;
    sumY += Math.floor(i / width);
    sumZ += z;
  });
  const [meanX, meanY, meanZ] = [sumX / n, sumY / n, sumZ / n];
  let [xx, xy, yy, xz, yz] = [0, 0, 0, 0, 0];
  values.forEach((z, i) => {
    if (!counts(i)) return;
    const [x, y] = [(i % width) - meanX, Math.floor(i / width) - meanY];
    xx += x * x;
    xy += x * y;
    yy += y * y;
    xz += x * (z - meanZ);
    yz += y * (z - meanZ);
  });
  const determinant = xx * yy - xy * xy;
  if (determinant < 1e-6 * n) return () => meanZ;
  const slopeX = (xz * yy - yz * xy) / determinant;
  const slopeY = (yz * xx - xz * xy) / determinant;
  return (x, y) => meanZ + slopeX * (x - meanX) + slopeY * (y - meanY);
}
