import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { UserError } from "../../base/errors.ts";
import { resolveInside } from "../../base/files.ts";
import { type ZipEntry, ZipFile } from "../../base/zip.ts";

/** The processor's name in the platform tags of wheels. Source: PEP 425, PEP 600. */
const processors: Readonly<Partial<Record<NodeJS.Architecture, string>>> = { x64: "x86_64", arm64: "aarch64" };

/** A Python wheel: a zip file that says what it is and which platforms it is for. */
export class Wheel {
  readonly file: string;
  /** The project, in lower case with dashes: `tensorflow-cpu`. */
  readonly project: string;
  readonly version: string;
  /** Platform tags: `manylinux_2_27_x86_64`. */
  readonly platforms: readonly string[];
  /** `Requires-Dist` lines of its metadata. */
  readonly requirements: readonly string[];
  private readonly zip: ZipFile;

  private constructor(zip: ZipFile, metadata: string, tags: string) {
    this.zip = zip;
    this.file = basename(zip.path);
    const [name, version] = ["Name", "Version"].map((field) => fields(metadata, field)[0]);
    if (name === undefined || version === undefined) throw notWheel(this.file, "metadata without a name and a version");
    this.project = name.toLowerCase().replaceAll(/[-_.]+/g, "-");
    this.version = version;
    this.platforms = fields(tags, "Tag").flatMap((tag) => tag.split("-")[2]?.split(".") ?? []);
    this.requirements = fields(metadata, "Requires-Dist");
  }

  /** @throws UserError when the file is not a whole wheel. */
  static async open(path: string): Promise<Wheel> {
    const zip = await ZipFile.open(path);
    try {
      const [metadata, tags] = await Promise.all(["METADATA", "WHEEL"].map((name) => readInfo(zip, name)));
      return new Wheel(zip, metadata ?? "", tags ?? "");
    } catch (error) {
      await zip.close();
      throw error;
    }
  }

  /** @throws UserError when none of the wheel's platforms is this machine's. Its Python version does not matter here. */
  checkPlatform(): void {
    const processor = processors[process.arch];
    const fits = (tag: string) => tag === "any" || (/^(many)?linux/.test(tag) && tag.endsWith(`_${processor}`));
    if (process.platform === "linux" && this.platforms.some(fits)) return;
    throw new UserError(this.file, {
      expected: `a wheel for ${process.platform} ${processor ?? process.arch}`,
      got: this.platforms.length === 0 ? "one without a platform" : `one for ${this.platforms.join(", ")}`,
    });
  }

  /** Entries whose paths match, without folders. */
  matching(pattern: RegExp): ZipEntry[] {
    return this.zip.entries.filter(({ name }) => pattern.test(name) && !name.endsWith("/"));
  }

  /** Writes entries below a folder, under their own paths. `onBytes` hears how many were written each time. */
  async unpack(entries: readonly ZipEntry[], folder: string, onBytes: (bytes: number) => void): Promise<void> {
    await mkdir(folder, { recursive: true });
    for (const entry of entries) {
      const path = await resolveInside(folder, entry.name);
      await mkdir(dirname(path), { recursive: true });
      await pipeline(counted(this.zip.read(entry), onBytes), createWriteStream(path));
    }
  }

  close(): Promise<void> {
    return this.zip.close();
  }
}

async function* counted(pieces: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void) {
  for await (const piece of pieces) {
    yield piece;
    onBytes(piece.length);
  }
}

async function readInfo(zip: ZipFile, name: string): Promise<string> {
  const entry = zip.entries.find(
    (other) => /^[^/]+\.dist-info$/.test(dirname(other.name)) && basename(other.name) === name,
  );
  if (entry === undefined) throw notWheel(basename(zip.path), `a zip file without ${join("*.dist-info", name)}`);
  return zip.text(entry);
}

/** Values of a header field, in order; the headers end at the first empty line. */
function fields(text: string, field: string): string[] {
  const [headers = ""] = text.replaceAll("\r\n", "\n").split("\n\n");
  return headers
    .split("\n")
    .flatMap((line) => (line.startsWith(`${field}: `) ? [line.slice(field.length + 2).trim()] : []));
}

function notWheel(file: string, got: string): UserError {
  return new UserError(file, { expected: "a Python wheel", got });
}
