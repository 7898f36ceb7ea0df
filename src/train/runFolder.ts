/**
 * The folder of a run: `experiments/<name>/<run>/` with config.yaml (resolved), run.json (what it is and each start),
 * log.jsonl, tb/ (TensorBoard events), samples/ and checkpoints/.
 */
import { join } from "node:path";
import { UserError } from "../base/errors.ts";
import { makeFolder, namesIn, removeLeftovers, writeFileAtomic } from "../base/files.ts";
import { LOCK_FILE, lockFolder } from "../base/folderLock.ts";
import { isJsonObject, type JsonObject, type JsonValue, parseJsonObject } from "../base/json.ts";
import { readTextFile } from "../base/plainFile.ts";
import { allowanceFor, covers, describeStart, differences, refuseUnknownKeys, showDifference } from "./runIdentity.ts";

export interface RunRecipe {
  /** The resolved config's text. It is kept as config.yaml; a resumed run's is replaced. */
  readonly configYaml: string;
  /** What must stay the same over the run's life, e.g. `{ config, dataset: fingerprint }`. */
  readonly identity: JsonObject;
  /** Key paths in `identity` that may change nevertheless, each with all below it, e.g. `config.train.steps`. */
  readonly mayChange?: readonly string[];
  /** What to call key paths of `identity` in messages, each with all below it: `data` -> `dataset data/clips`. */
  readonly names?: Readonly<Record<string, string>>;
  /**
   * What may have changed all the same, although the numbers change with it: key paths of `identity`, each with all
   * below it and with or without `config.` in front, and `code`. What did change is kept in run.json.
   */
  readonly allowChange?: readonly string[];
  /** More to tell about this start: engine, seed, dataset fingerprint ... */
  readonly facts?: JsonObject;
}

export interface Run {
  readonly dir: string;
  /** True when the folder was a run before. It may have no checkpoint yet. */
  readonly resumed: boolean;
  /** Lines that the user should see: a stale lock taken over, changes accepted. */
  readonly notices: readonly string[];
  /** What has changed since the start before, and was allowed to: `optim.lr 0.001 -> 0.002`. */
  readonly changes: readonly string[];
  readonly logPath: string;
  readonly tensorBoardDir: string;
  readonly samplesDir: string;
  /** Keeps a change of code or data, found after opening, in run.json. @throws UserError when it is not allowed. */
  accept(what: "code" | "data", difference: string): Promise<void>;
  /** Lets other processes in. */
  close(): void;
}

const layout = { log: "log.jsonl", tensorBoard: "tb", samples: "samples", checkpoints: "checkpoints" } as const;
const runFile = "run.json";
const configFile = "config.yaml";
const IN_USE = { wanted: "a run folder that nobody uses", does: "is training in", try: "another --run-dir" };

/**
 * Makes a run's folder or opens it again, and locks it.
 * @throws UserError when another process trains in it, when it holds a run of another recipe (with the first keys that
 * differ) or when it is a folder of something else.
 */
export async function openRun(dir: string, recipe: RunRecipe): Promise<Run> {
  await refuseOtherFolder(dir);
  await makeFolder(dir);
  const lock = lockFolder(dir, IN_USE);
  try {
    await removeLeftovers(dir);
    for (const name of [layout.tensorBoard, layout.samples, layout.checkpoints]) await makeFolder(join(dir, name));
    await removeLeftovers(join(dir, layout.checkpoints));
    const before = await readRunFile(dir);
    const changes = before === undefined ? [] : changesSince(dir, before.identity, recipe);
    await writeFileAtomic(join(dir, configFile), recipe.configYaml);
    const about = { ...describeStart(), ...recipe.facts };
    const keep = async (): Promise<void> => {
      const start = { ...about, ...(changes.length > 0 ? { changes } : {}) };
      const file = { identity: recipe.identity, starts: [...(before?.starts ?? []), start] };
      await writeFileAtomic(join(dir, runFile), `${JSON.stringify(file, null, 2)}\n`);
    };
    await keep();
    const { recovered } = lock;
    return {
      dir,
      resumed: before !== undefined,
      notices: [
        ...(recovered === undefined ? [] : [`${dir}: took over the lock of process ${recovered.pid}, which has died`]),
        ...changes.map((change) => `${dir}: accepted ${change}`),
      ],
      changes: [...changes],
      accept: async (what, difference) => {
        refuseUnlessAllowed(dir, what, difference, recipe.allowChange);
        changes.push(`${what}: ${difference}`);
        await keep();
      },
      logPath: join(dir, layout.log),
      tensorBoardDir: join(dir, layout.tensorBoard),
      samplesDir: join(dir, layout.samples),
      close: lock.release,
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Refuses what `openRun` would refuse for its recipe, before work that is only worth doing for the run. */
export async function refuseOtherRecipe(dir: string, recipe: RunRecipe): Promise<void> {
  const before = await readRunFile(dir);
  if (before !== undefined) changesSince(dir, before.identity, recipe);
}

/** The resolved config of a run or of one of its checkpoints. @throws UserError when the folder is neither. */
export async function readRunConfig(dir: string): Promise<string> {
  try {
    return readTextFile(join(dir, configFile));
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(dir, { expected: "the folder of a run", got: `none with a ${configFile}` });
  }
}

/** A folder without run.json is taken only when all that it holds is what a start killed early leaves. */
async function refuseOtherFolder(dir: string): Promise<void> {
  const names = await namesIn(dir);
  const ours = new Set<string>([...Object.values(layout), configFile, LOCK_FILE]);
  const foreign = names.find((name) => !ours.has(name) && !name.startsWith(".") && !name.startsWith("lock."));
  if (names.includes(runFile) || foreign === undefined) return;
  throw new UserError(dir, {
    expected: "a run folder or a new one",
    got: `one with ${foreign} and no ${runFile}`,
    try: "another --run-dir",
  });
}

async function readRunFile(dir: string): Promise<{ identity: JsonObject; starts: readonly JsonValue[] } | undefined> {
  if (!(await namesIn(dir)).includes(runFile)) return undefined;
  const path = join(dir, runFile);
  const { identity, starts } = parseJsonObject(readTextFile(path), path);
  if (isJsonObject(identity) && Array.isArray(starts)) return { identity, starts };
  throw new UserError(path, { expected: "identity and starts of a run", got: "something else" });
}

function changesSince(dir: string, before: JsonObject, recipe: RunRecipe): string[] {
  const { identity, mayChange, names, allowChange = [] } = recipe;
  refuseUnknownKeys(allowChange, [before, identity]);
  const changes = differences(before, identity, mayChange);
  const refused = changes.filter(({ key }) => !allowChange.some((allowed) => covers(allowed, key)));
  if (refused.length === 0) return changes.map((change) => showDifference(change, names));
  const shown = refused.slice(0, 3);
  const more = refused.length > 3 ? ` and ${refused.length - 3} more` : "";
  const options = [...new Set(shown.map(({ key }) => `--allow-change ${allowanceFor(key)}`))].join(" ");
  throw new UserError(dir, {
    expected: "the recipe that this run was started with",
    got: `another: ${shown.map((change) => showDifference(change, names)).join(", ")}${more}`,
    try: `another --run-dir, or ${options}${more === "" ? "" : " ..."} to go on with other numbers`,
  });
}

function refuseUnlessAllowed(dir: string, what: string, difference: string, allowed: readonly string[] = []): void {
  if (allowed.includes(what)) return;
  throw new UserError(dir, {
    expected: `the ${what} that its checkpoint was made with`,
    got: `another: ${difference}`,
    try: `the version of kinema that run.json names, or --allow-change ${what} to go on with other numbers`,
  });
}
