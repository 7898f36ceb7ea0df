/** Token ids below the bytes. Padding is 0, so that ids of zeros are an empty row. */
const special = { padding: 0, start: 1, end: 2, unconditional: 3 } as const;
const firstByte = 4;

/** Ids that a text can be made of: the special ones and 256 bytes. */
export const numTextIds = firstByte + 256;

/** A prompt as token ids. */
export interface TextIds {
  /** `maxTokens` ids: start, UTF-8 bytes, end, then padding. */
  readonly ids: Int32Array;
  /** Ids before the padding. */
  readonly length: number;
  /** Bytes of the text that did not fit. */
  readonly numCut: number;
}

/** Encodes a text as its UTF-8 bytes; what does not fit between start and end is cut off and counted. */
export function encodeText(text: string, maxTokens: number): TextIds {
  const bytes = Buffer.from(text, "utf8");
  const kept = bytes.subarray(0, maxTokens - 2);
  const ids = new Int32Array(maxTokens);
  ids[0] = special.start;
  for (const [i, byte] of kept.entries()) ids[i + 1] = byte + firstByte;
  ids[kept.length + 1] = special.end;
  return { ids, length: kept.length + 2, numCut: bytes.length - kept.length };
}

/** What stands for "any text": one special token. Trained by giving it for dropped captions; guidance starts from it. */
export function unconditionalText(maxTokens: number): TextIds {
  const ids = new Int32Array(maxTokens);
  ids[0] = special.unconditional;
  return { ids, length: 1, numCut: 0 };
}

const space = " ".charCodeAt(0) + firstByte;

/**
 * For each id a hash of the word so far: of the bytes since the last space. Equal beginnings of words have equal
 * hashes, so a word is known by one id at its last byte. Ids that are no bytes get 0. @returns ids in [0, numBuckets).
 * Source: arXiv:2412.09871, section 3.2.1 (hashes of bytes). Differs: one hash over the whole beginning of the word.
 */
export function prefixIds(ids: Int32Array, numBuckets: number): Int32Array {
  let hash = 0;
  return ids.map((id) => {
    if (id < firstByte || id === space) {
      hash = 0;
      return 0;
    }
    // FNV-1a, 32 bits.
    hash = Math.imul((hash === 0 ? 0x811c9dc5 : hash) ^ id, 0x01000193) >>> 0;
    return 1 + (hash % (numBuckets - 1));
  });
}
