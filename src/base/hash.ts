import { createHash } from "node:crypto";
import { canonicalJson, type JsonValue } from "./json.ts";
import { openPlainFile } from "./plainFile.ts";

/** What tells a file from any other. */
export type FileSeal = {
  readonly bytes: number;
  /** 64 hex digits. */
  readonly sha256: string;
};

/** SHA-256 of bytes or of a text's UTF-8, as 64 hex digits. */
export function sha256(data: Uint8Array | string): string {
  return createHash("sha256").update(data).digest("hex");
}

/** SHA-256 of a value's canonical JSON: the order of keys does not matter. */
export function sha256OfJson(value: JsonValue): string {
  return sha256(canonicalJson(value));
}

/** Size and SHA-256 of bytes. */
export function sealOfBytes(data: Uint8Array): FileSeal {
  return { bytes: data.length, sha256: sha256(data) };
}

/** Size and SHA-256 of a plain file, streamed. @throws as `openPlainFile` does. */
export async function sealOfFile(path: string): Promise<FileSeal> {
  const hash = createHash("sha256");
  let bytes = 0;
  const file = await openPlainFile(path);
  for await (const chunk of file.createReadStream({ highWaterMark: 1 << 20 })) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}
