import type { Clips } from "../../data/clips.ts";
import type { ClipRequest } from "../../sampling/samplingConfig.ts";
import type { ModelFacts } from "./modelFacts.ts";

const PROMPTS = 5;
const SIZES = 4;

/** Five captions of the data, each at the four most frequent sizes and lengths: a contact sheet to look at. */
export function contactRequests(dataset: Clips, grids: ModelFacts["grids"]): ClipRequest[] {
  const moving = dataset.entries.filter(({ frames }) => frames > 1);
  const captions = new Set((moving.length > 0 ? moving : dataset.entries).map(({ caption }) => caption));
  const sizes = grids.slice(0, SIZES);
  return [...captions]
    .slice(0, PROMPTS)
    .flatMap((prompt) => sizes.map(({ frames, height, width }) => ({ prompt, frames, height, width })));
}
