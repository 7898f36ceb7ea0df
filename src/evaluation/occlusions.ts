import type { Video } from "../data/media/video.ts";
import { returnsOf, sameObject } from "./judge/identity.ts";
import { colourMasks } from "./judge/masks.ts";
import { tracksOf } from "./judge/track.ts";

/**
 * Each time that the largest object of a clip goes out of sight and comes back: whether it is then the same, in form and
 * size. Its colour is the same or it is another track: then it does not come back.
 * @param window frames before and after that are compared, at most.
 */
export function occlusionsIn(video: Video, window: number): boolean[] {
  const [track] = tracksOf(colourMasks(video), video);
  const sights = track?.sights ?? [];
  return returnsOf(sights).map((i) => {
    const [last, next] = [sights[i - 1]?.frame ?? 0, sights[i]?.frame ?? 0];
    const before = sights.slice(0, i).filter(({ frame }) => frame > last - window);
    const after = sights.slice(i).filter(({ frame }) => frame < next + window);
    return sameObject(before, after, video).value;
  });
}
