import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { UserError } from "../../base/errors.ts";
import type { BuildVariant } from "../eager/tensorflowBuild.ts";
import { findTool, HERE, runTool, type Tool, toolError } from "./tool.ts";

/** An npm package of one version, whose content is known. */
export interface PinnedPackage {
  readonly name: string;
  readonly version: string;
  /** `sha512-` and the hash of its archive, as the registry tells it. */
  readonly integrity: string;
}

/** The packages that a build is made of. */
export interface BuildPackages {
  /** tfjs-node's kernels, and its binding in C++. */
  readonly binding: PinnedPackage;
  /** What the kernels import besides tfjs. */
  readonly protobuf: PinnedPackage;
  /** Node's headers for addons, the same for every version of Node. */
  readonly headers: PinnedPackage;
}

const cpu: BuildPackages = {
  binding: {
    name: "@tensorflow/tfjs-node",
    version: "4.22.0",
    integrity: "sha512-uHrXeUlfgkMxTZqHkESSV7zSdKdV0LlsBeblqkuKU9nnfxB1pC6DtoyYVaLxznzZy7WQSegjcohxxCjAf6Dc7w==",
  },
  protobuf: {
    name: "google-protobuf",
    version: "3.21.4",
    integrity: "sha512-MnG7N936zcKTco4Jd2PX2U96Kf9PxygAPKBug+74LHzmHXmceN16MmRcdgZv+DGef/S9YvQAfRsNCn4cjf9yyQ==",
  },
  headers: {
    name: "node-api-headers",
    version: "1.9.0",
    integrity: "sha512-2oNILP4jXwRB4ywnYKjVk1YyJ96n2D4EOVJO6S3oYZ5PtbJrw3Yt9TpAuX3nBLMuzn74rnfGQrv13pS9vC+YiA==",
  },
};

/** For a GPU the binding is the same; its name tells the kernels that a GPU may be there. */
const gpuBinding: PinnedPackage = {
  name: "@tensorflow/tfjs-node-gpu",
  version: "4.22.0",
  integrity: "sha512-p//NN6DGiN4hInUmIkRffaFVMcdTREUMjPyjW04J7OXvB2zBlQimj61eFKSgRrH3f5TnOfKzb0n56he/B6a4bw==",
};

export function pinnedPackages(variant: BuildVariant): BuildPackages {
  return variant === "gpu" ? { ...cpu, binding: gpuBinding } : cpu;
}

export interface PackageTools {
  readonly npm: Tool;
  readonly tar: Tool;
}

/** npm and tar. @throws UserError when one is missing. */
export async function findPackageTools(): Promise<PackageTools> {
  const [npm, tar] = [await findTool([["npm"]]), await findTool([["tar"]])];
  if (npm !== undefined && tar !== undefined) return { npm, tar };
  throw new UserError(HERE, { expected: "npm and tar", got: `no ${npm === undefined ? "npm" : "tar"}` });
}

/** Downloads packages from the user's registry, runs nothing of them, and unpacks each into `folder/NAME`. */
export async function fetchPackages(
  { npm, tar }: PackageTools,
  packages: readonly PinnedPackage[],
  folder: string,
): Promise<void> {
  await mkdir(folder, { recursive: true });
  const specs = packages.map(({ name, version }) => `${name}@${version}`);
  const packed = await runTool(npm, ["pack", ...specs, "--ignore-scripts", "--prefer-offline"], { cwd: folder });
  if (packed.code !== 0) {
    const hint = "again when npm reaches its registry";
    throw toolError(`npm could not download ${specs.join(", ")}`, packed, /npm (error|ERR!) (code|network|\d)/, hint);
  }
  for (const { name, version, integrity } of packages) {
    const archive = join(folder, `${name.replace("@", "").replace("/", "-")}-${version}.tgz`);
    const got = `sha512-${createHash("sha512")
      .update(await readFile(archive))
      .digest("base64")}`;
    if (got !== integrity) throw new UserError(HERE, { expected: `${name} ${version} with ${integrity}`, got });
    const target = join(folder, name);
    await mkdir(target, { recursive: true });
    const unpacked = await runTool(tar, ["-xzf", archive, "-C", target, "--strip-components=1"], {});
    if (unpacked.code !== 0) throw toolError(`tar could not unpack ${name}`, unpacked, /^tar: /);
  }
}
