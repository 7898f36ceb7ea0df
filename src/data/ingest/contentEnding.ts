/** A file's first bytes, and the ending that such files have. `at`: where they stand. */
const SIGNATURES: readonly { readonly at: number; readonly bytes: string; readonly ending: string }[] = [
  { at: 0, bytes: "GIF8", ending: "gif" },
  { at: 8, bytes: "WEBP", ending: "webp" },
  { at: 8, bytes: "AVI ", ending: "avi" },
  { at: 0, bytes: "\x1a\x45\xdf\xa3", ending: "mkv" },
  { at: 0, bytes: "\xff\xd8\xff", ending: "jpg" },
  { at: 0, bytes: "\x89PNG", ending: "png" },
  { at: 4, bytes: "ftypqt", ending: "mov" },
  { at: 4, bytes: "ftyp", ending: "mp4" },
  { at: 4, bytes: "moov", ending: "mov" },
  { at: 4, bytes: "mdat", ending: "mov" },
];

/**
 * The ending of a file with this content, in lower case without the dot; undefined when it is of no kind known here.
 * WebM and Matroska are one format. Source: the formats' specifications.
 */
export function endingOfContent(content: Uint8Array): string | undefined {
  const text = String.fromCharCode(...content.subarray(0, 16));
  return SIGNATURES.find(({ at, bytes }) => text.startsWith(bytes, at))?.ending;
}
