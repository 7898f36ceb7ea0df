/**
 * The candidates that a mistyped word most likely meant, best first, at most `most`; all are equally near. A candidate
 * counts as near within one edit, or one edit per three letters. Case, `_` and `-` count as half an edit in all.
 */
export function nearest(word: string, candidates: Iterable<string>, most = 2): string[] {
  const limit = Math.max(1, Math.floor(word.length / 3));
  const ranked = [...new Set(candidates)]
    .map((candidate) => ({ candidate, edits: typingDistance(word, candidate) }))
    .filter(({ candidate, edits }) => edits <= limit && edits < candidate.length)
    .sort((a, b) => a.edits - b.edits);
  const best = ranked[0];
  if (best === undefined) return [];
  return ranked
    .filter(({ edits }) => edits === best.edits)
    .map(({ candidate }) => candidate)
    .slice(0, most);
}

/** Edits between two words; half an edit where they differ in case, `_` and `-` alone. */
export function typingDistance(a: string, b: string): number {
  if (a === b) return 0;
  return letters(a) === letters(b) ? 0.5 : editDistance(a, b);
}

/** Letters to insert, delete, replace or swap with their neighbour. Source: optimal string alignment distance. */
export function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const row = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const replace = at(last, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1);
      let edits = Math.min(at(last, j) + 1, at(row, j - 1) + 1, replace);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) edits = Math.min(edits, at(beforeLast, j - 2) + 1);
      row.push(edits);
    }
    [beforeLast, last] = [last, row];
  }
  return at(last, b.length);
}

function at(row: readonly number[], j: number): number {
  return row[j] ?? Number.POSITIVE_INFINITY;
}

function letters(word: string): string {
  return word.toLowerCase().replace(/[_-]/g, "");
}
