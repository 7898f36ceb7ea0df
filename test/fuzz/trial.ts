import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { performance } from "node:perf_hooks";
import fc from "fast-check";
import { UserError } from "../../src/base/errors.ts";
import { sealOfBytes } from "../../src/base/hash.ts";
import { bytesInUse, guardMemory, type MemoryGuard } from "./memory.ts";
import type { FuzzTarget } from "./target.ts";
import type { Watchdog } from "./watchdog.ts";

/** What came of a trial in which nothing was wrong. */
export interface TrialResult {
  readonly runs: number;
  readonly accepted: number;
  readonly refused: number;
  /** Milliseconds of processor time that the slowest input took. */
  readonly slowestMs: number;
  /** Most memory, in bytes, that one input took beyond twice its size. */
  readonly mostBytes: number;
  readonly seconds: number;
}

/** What an input may take beyond twice its size: garbage of the engine, compiled code. */
export const freeBytes = 8 << 20;
/** Inputs that are read once before any is measured: what a reader makes on first use belongs to none of them. */
const warmUps = 10;
const defaultMaxMs = 1000;
const maxLineLetters = 8000;

/**
 * Gives a target `runs` inputs. Each must be accepted or refused with a UserError of one printable line, within its
 * time and twice its size in memory, and a constant. @throws Error with the smallest input that is not, and the seed.
 */
export async function tryTarget(
  target: FuzzTarget,
  { runs, seed, watchdog }: { readonly runs: number; readonly seed: number; readonly watchdog: Watchdog },
): Promise<TrialResult> {
  const started = performance.now();
  const tally = { accepted: 0, refused: 0, slowestMs: 0, mostBytes: 0 };
  for (const input of fc.sample(target.inputs, { numRuns: warmUps, seed })) {
    watchdog.beat(target.name);
    await refusalOf(target, input);
  }
  const guard = guardMemory();
  const property = fc.asyncProperty(target.inputs, async (input) => {
    watchdog.beat(target.name);
    const one = await measured(target, input, guard);
    if (one.ms > (target.maxMs ?? defaultMaxMs)) {
      // A collection of garbage may have fallen into it: slow is what is slow twice.
      const again = await measured(target, input, guard);
      if (again.ms > (target.maxMs ?? defaultMaxMs)) throw new Error(`took ${again.ms.toFixed(0)} ms`);
    }
    tally[one.refusal === undefined ? "accepted" : "refused"] += 1;
    tally.slowestMs = Math.max(tally.slowestMs, one.ms);
    tally.mostBytes = Math.max(tally.mostBytes, one.bytes);
  });
  try {
    const details = await fc.check(property, { numRuns: runs, seed, endOnFailure: false });
    if (details.failed) throw new Error(failureText(target, seed, details));
  } finally {
    guard.remove();
  }
  return { runs, ...tally, seconds: (performance.now() - started) / 1000 };
}

/** `safetensors: 1,000,000 runs, ...`. */
export function trialLine(name: string, result: TrialResult): string {
  const number = (value: number) => value.toLocaleString("en-US");
  const { runs, accepted, refused, slowestMs, mostBytes, seconds } = result;
  const counts = `${number(runs)} runs, ${number(accepted)} accepted, ${number(refused)} refused`;
  const worst = `slowest ${slowestMs.toFixed(1)} ms, most memory ${(mostBytes / 2 ** 20).toFixed(2)} MiB beyond 2x`;
  return `${name}: ${counts}, ${worst} (${seconds.toFixed(0)} s)`;
}

interface Measured {
  readonly refusal: UserError | undefined;
  /** Of the processor: other work on the machine does not count. What waits for ever, the watchdog ends. */
  readonly ms: number;
  /** Beyond twice the input's size. */
  readonly bytes: number;
}

async function measured(target: FuzzTarget, input: Uint8Array, guard: MemoryGuard): Promise<Measured> {
  guard.reset(2 * input.length + freeBytes);
  const before = bytesInUse();
  const started = process.cpuUsage();
  const refusal = await refusalOf(target, input);
  const { user, system } = process.cpuUsage(started);
  const ms = (user + system) / 1000;
  const bytes = Math.max(bytesInUse() - before, guard.asked) - 2 * input.length;
  guard.reset(Number.POSITIVE_INFINITY);
  if (bytes > freeBytes) throw new Error(`took ${bytes} bytes of memory beyond twice the input's ${input.length}`);
  return { refusal, ms, bytes };
}

async function refusalOf(target: FuzzTarget, input: Uint8Array): Promise<UserError | undefined> {
  try {
    await target.read(input);
    return undefined;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const isPrintable = error.message.split("\n").every((line) => !/\p{Cc}/u.test(line));
    const isOneLine = target.name === "recipe" || !error.message.includes("\n");
    if (!isPrintable || !isOneLine || error.message.length > maxLineLetters) {
      throw new Error(`a refusal that is not one printable line: ${JSON.stringify(error.message.slice(0, 500))}`);
    }
    return error;
  }
}

/** The failure, with the input in a file of its own. */
function failureText(target: FuzzTarget, seed: number, details: fc.RunDetails<[Uint8Array]>): string {
  const input = details.counterexample?.[0] ?? new Uint8Array(0);
  const file = join(tmpdir(), `kinema-fuzz-${target.name}-${sealOfBytes(input).sha256.slice(0, 8)}`);
  writeFileSync(file, input);
  const { errorInstance, numRuns, numShrinks } = details;
  const why = errorInstance instanceof Error ? errorInstance.stack : String(errorInstance);
  return `${target.name}: seed ${seed}, run ${numRuns}, after ${numShrinks} shrinks: ${why}\ninput in ${file}`;
}
