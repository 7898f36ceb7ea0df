import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { endingOfContent } from "./contentEnding.ts";

/**
 * Gives `use` a file with these bytes in `folder`, its ending as its content has it, and removes the file afterwards.
 * @throws Error when the bytes are of no kind that is known.
 */
export async function withFile<T>(bytes: Uint8Array, folder: string, use: (path: string) => Promise<T>): Promise<T> {
  const ending = endingOfContent(bytes);
  if (ending === undefined) throw new Error("is of no kind of video or picture that is known here");
  const path = join(folder, `incoming.${ending}`);
  try {
    await writeFile(path, bytes);
    return await use(path);
  } finally {
    await rm(path, { force: true });
  }
}
