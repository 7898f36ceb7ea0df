/** Frames in order: each array holds any whole number of them. */
export type FrameSource<A> = AsyncIterable<A> | Iterable<A>;

type FrameArray = Uint8Array | Float32Array;

/**
 * The same frames in arrays of `first` and then `later` frames; what is left at the end comes as it is. An array that
 * was given holds until the next one is asked for.
 * @param frameSize values of a frame.
 */
export async function* regroup<A extends FrameArray>(
  source: FrameSource<A>,
  frameSize: number,
  first: number,
  later: number,
): AsyncGenerator<A, void, undefined> {
  let buffer: A | undefined;
  let filled = 0;
  let wanted = first * frameSize;
  for await (const frames of source) {
    let taken = 0;
    while (taken < frames.length) {
      buffer ??= room(frames, Math.max(first, later) * frameSize);
      const part = Math.min(frames.length - taken, wanted - filled);
      buffer.set(frames.subarray(taken, taken + part), filled);
      taken += part;
      filled += part;
      if (filled < wanted) continue;
      yield buffer.subarray(0, wanted) as A;
      filled = 0;
      wanted = later * frameSize;
    }
  }
  if (buffer !== undefined && filled > 0) yield buffer.subarray(0, filled) as A;
}

function room<A extends FrameArray>(like: A, length: number): A {
  return (like instanceof Uint8Array ? new Uint8Array(length) : new Float32Array(length)) as A;
}
