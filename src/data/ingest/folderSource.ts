import { stat } from "node:fs/promises";
import { join } from "node:path";
import { sha256OfJson } from "../../base/hash.ts";
import { readCaptions } from "./captions.ts";
import type { VideoSource } from "./source.ts";
import { isVideoFile, listFiles } from "./videoFiles.ts";

/**
 * The videos and pictures of a folder, with captions from a file. @throws UserError when the folder or the captions cannot be read.
 */
export async function folderSource(dir: string, captionsFile: string): Promise<VideoSource> {
  const captions = readCaptions(captionsFile);
  const present = await listFiles(dir);
  const files = present.filter(isVideoFile);
  const known = new Set(present);
  const facts: [string, number, string][] = [];
  for (const file of files) facts.push([file, (await stat(join(dir, file))).size, captions.get(file) ?? ""]);
  return {
    where: dir,
    total: files.length,
    identity: sha256OfJson(facts),
    async *items(from) {
      for (const file of files.slice(from)) {
        yield { name: file, caption: captions.get(file), content: { path: join(dir, file) } };
      }
    },
    missing: [...captions.keys()]
      .filter((file) => !known.has(file) || !isVideoFile(file))
      .map((file) => ({
        file,
        reason: known.has(file) ? "is no video or picture" : "has a caption but is not there",
      })),
  };
}
