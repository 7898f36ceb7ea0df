import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { Finished } from "../../base/program.ts";
import { findTool, HERE, runTool, type Tool, toolError } from "./tool.ts";

/** From this version on pip can tell its progress to a program. */
const RAW_PROGRESS_SINCE = [24, 1] as const;
/** TensorFlow is not yet published for the newest Pythons. Its library is the same in each wheel: any will do. */
const otherPythons = ["3.13", "3.12", "3.11"] as const;

const offline =
  /Failed to establish a new connection|Temporary failure in name resolution|Network is unreachable|ProxyError/;

/** The user's pip. @throws UserError when there is none. */
export async function findPip(): Promise<Tool> {
  const pip = await findTool([["pip"], ["pip3"], ["python3", "-m", "pip"], ["python", "-m", "pip"]]);
  if (pip !== undefined) return pip;
  throw new UserError(HERE, {
    expected: "pip, to download a TensorFlow wheel",
    got: "none of pip, pip3, python3 -m pip",
    try: "to install Python's pip, or give a tensorflow-cpu wheel by --wheel FILE",
  });
}

/**
 * Downloads one wheel from the index that pip is set up for, without what it depends on. A whole one that lies in the
 * folder already is kept. Gives its path.
 * @throws UserError when there is none for this machine, or no index in reach.
 */
export async function downloadWheel(
  pip: Tool,
  requirement: string,
  folder: string,
  onBytes: (done: number, total: number) => void,
): Promise<string> {
  await mkdir(folder, { recursive: true });
  const what = `pip could not download ${requirement}`;
  let finished: Finished | undefined;
  for (const python of [undefined, ...otherPythons]) {
    const before = new Set(await readdir(folder));
    finished = await download(pip, requirement, folder, python, onBytes);
    if (finished.code === 0) return join(folder, await savedWheel(finished, folder, before, what));
    const text = finished.stderr + finished.stdout.toString();
    const isMissing = /No matching distribution found/.test(text);
    if (isMissing && offline.test(text)) {
      throw new UserError(
        HERE,
        `${what}: it cannot reach its index; try again with a network, or give a wheel by --wheel FILE`,
      );
    }
    if (!isMissing) break;
  }
  throw toolError(what, finished as Finished, /^ERROR/, "--wheel FILE with a wheel downloaded elsewhere");
}

function download(
  pip: Tool,
  requirement: string,
  folder: string,
  python: string | undefined,
  onBytes: (done: number, total: number) => void,
): Promise<Finished> {
  const args = ["download", requirement, "--no-deps", "--only-binary=:all:", "--dest", folder];
  if (python !== undefined) args.push("--python-version", python);
  args.push("--progress-bar", tellsProgress(pip) ? "raw" : "off");
  const onLine = (line: string) => {
    const [, done, total] = /^Progress (\d+) of (\d+)/.exec(line) ?? [];
    if (done !== undefined) onBytes(Number(done), Number(total));
  };
  return runTool(pip, args, { env: { PIP_DISABLE_PIP_VERSION_CHECK: "1", PIP_NO_INPUT: "1" }, onLine });
}

/** The name of the wheel that pip saved, or found saved already. */
async function savedWheel(finished: Finished, folder: string, before: Set<string>, what: string): Promise<string> {
  const wheels = (await readdir(folder)).filter((name) => name.endsWith(".whl"));
  const fresh = wheels.find((name) => !before.has(name)) ?? wheels.find((name) => finished.stdout.includes(name));
  if (fresh === undefined) throw toolError(what, finished, /^ERROR/);
  return fresh;
}

function tellsProgress({ version }: Tool): boolean {
  const [, major = "0", minor = "0"] = /^pip (\d+)\.(\d+)/.exec(version) ?? [];
  const [sinceMajor, sinceMinor] = RAW_PROGRESS_SINCE;
  return Number(major) > sinceMajor || (Number(major) === sinceMajor && Number(minor) >= sinceMinor);
}
