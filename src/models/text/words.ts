/** Token ids below the words. Padding is 0, so that ids of zeros are an empty row. */
const special = { padding: 0, unconditional: 1, empty: 2 } as const;
const firstWord = 3;

/** The smallest table of embeddings: the special ids and one row for words. */
export const leastBuckets = firstWord + 1;

/** A text as words: two hashes of each, `maxTokens` of both, then padding; and how many words were cut off. */
export interface WordIds {
  readonly first: Int32Array;
  readonly second: Int32Array;
  readonly numCut: number;
}

/**
 * Hashes the words of a text into `numBuckets` ids, in two ways: two words that share one id seldom share the other, so
 * the sum of both embeddings tells them apart. Words are runs of letters, marks and digits, whatever their case, and
 * every other sign that is no space. Source: arXiv:1706.03993 (Bloom embeddings).
 */
export function encodeWords(text: string, maxTokens: number, numBuckets: number): WordIds {
  const words =
    text
      .normalize("NFC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+|[^\s\p{L}\p{M}\p{N}]/gu) ?? [];
  if (words.length === 0) return single(special.empty, maxTokens);
  const kept = words.slice(0, maxTokens);
  const ids = (seed: number) =>
    Int32Array.from({ length: maxTokens }, (_, i) => {
      const word = kept[i];
      return word === undefined ? special.padding : firstWord + (hash(word, seed) % (numBuckets - firstWord));
    });
  return { first: ids(0x811c9dc5), second: ids(0x9747b28c), numCut: words.length - kept.length };
}

/** What stands for "any text": one special token. */
export function unconditionalWords(maxTokens: number): WordIds {
  return single(special.unconditional, maxTokens);
}

function single(id: number, maxTokens: number): WordIds {
  const ids = new Int32Array(maxTokens);
  ids[0] = id;
  return { first: ids, second: ids, numCut: 0 };
}

/** FNV-1a over UTF-8 bytes, 32 bits, then mixed as in MurmurHash3 so that different seeds give unrelated ids. */
function hash(word: string, seed: number): number {
  let h = seed;
  for (const byte of Buffer.from(word, "utf8")) h = Math.imul(h ^ byte, 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
