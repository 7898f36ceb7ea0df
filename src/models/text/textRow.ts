import { encodeText, numTextIds, prefixIds, unconditionalText } from "./bytes.ts";
import type { TextEncoderConfig } from "./textConfig.ts";
import { encodeWords, unconditionalWords } from "./words.ts";

/** A table of embeddings, as a parameter: its name and how many ids it has. */
export interface EmbeddingTable {
  readonly name: string;
  readonly rows: number;
}

/** The tables that an encoder's ids point into; a row has `maxTokens` ids for each of them, in this order. */
export function embeddingTables(cfg: TextEncoderConfig): readonly EmbeddingTable[] {
  if (cfg.kind === "words") return ["first", "second"].map((name) => ({ name, rows: cfg.buckets }));
  const bytes = { name: "embedding", rows: numTextIds };
  return cfg.prefixBuckets === 0 ? [bytes] : [bytes, { name: "prefixes", rows: cfg.prefixBuckets }];
}

/** Ids in the row that the encoder is given for a text. */
export function textRowLength(cfg: TextEncoderConfig): number {
  return embeddingTables(cfg).length * cfg.maxTokens;
}

/**
 * The row for a text, or for "any text" when it is undefined: ids of its bytes, then of the beginnings of its words; or
 * two hashes of each word.
 */
export function textRow(text: string | undefined, cfg: TextEncoderConfig): Int32Array {
  const { maxTokens } = cfg;
  if (cfg.kind === "words") {
    const { first, second } =
      text === undefined ? unconditionalWords(maxTokens) : encodeWords(text, maxTokens, cfg.buckets);
    return Int32Array.of(...first, ...second);
  }
  const { ids } = text === undefined ? unconditionalText(maxTokens) : encodeText(text, maxTokens);
  return cfg.prefixBuckets === 0 ? ids : Int32Array.of(...ids, ...prefixIds(ids, cfg.prefixBuckets));
}

/** How many words or bytes of a text the encoder does not read, since its row ends before. */
export function numCutOf(text: string, cfg: TextEncoderConfig): number {
  if (cfg.kind === "words") return encodeWords(text, cfg.maxTokens, cfg.buckets).numCut;
  return encodeText(text, cfg.maxTokens).numCut;
}
