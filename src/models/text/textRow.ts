import { encodeText, prefixIds, unconditionalText } from "./bytes.ts";
import type { TextEncoderConfig } from "./textEncoder.ts";

/** Ids in the row that the encoder is given for a text. */
export function textRowLength({ maxTokens, prefixBuckets }: TextEncoderConfig): number {
  return prefixBuckets === 0 ? maxTokens : 2 * maxTokens;
}

/** The row for a text, or for "any text" when it is undefined: ids of the bytes, then of the beginnings of words. */
export function textRow(text: string | undefined, { maxTokens, prefixBuckets }: TextEncoderConfig): Int32Array {
  const { ids } = text === undefined ? unconditionalText(maxTokens) : encodeText(text, maxTokens);
  return prefixBuckets === 0 ? ids : Int32Array.of(...ids, ...prefixIds(ids, prefixBuckets));
}
