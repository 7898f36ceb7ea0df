import { readdir, stat } from "node:fs/promises";
import { extname, join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { PICTURE_ENDINGS, VIDEO_ENDINGS } from "./decoder.ts";

const endings: ReadonlySet<string> = new Set([...VIDEO_ENDINGS, ...PICTURE_ENDINGS]);

/** Whether a file's ending is one of a video or picture. */
export function isVideoFile(file: string): boolean {
  return endings.has(extname(file).slice(1).toLowerCase());
}

/** All files below a folder, as paths relative to it with `/`, sorted by code unit. Links to folders are not followed. */
export async function listFiles(dir: string): Promise<string[]> {
  const files = await listBelow(dir, "").catch((error: unknown) => {
    throw new UserError(dir, { expected: "a folder of videos", got: error instanceof Error ? error.message : "none" });
  });
  return files.sort((a, b) => (a < b ? -1 : 1));
}

async function listBelow(dir: string, prefix: string): Promise<string[]> {
  const files: string[] = [];
  for (const entry of await readdir(join(dir, prefix), { withFileTypes: true })) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) files.push(...(await listBelow(dir, path)));
    else if (entry.isFile()) files.push(path);
    else if (entry.isSymbolicLink() && (await stat(join(dir, path)).catch(() => undefined))?.isFile()) files.push(path);
  }
  return files;
}
