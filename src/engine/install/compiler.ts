import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { UserError } from "../../base/errors.ts";
import { findTool, HERE, runTool, type Tool, toolError } from "./tool.ts";

/** The version of Node's addon interface to build for. Every Node from 18 on has it. */
const NAPI_VERSION = 8;

/** The user's C++ compiler: `$CXX`, else the system's. @throws UserError when there is none. */
export async function findCompiler(): Promise<Tool> {
  const { CXX } = process.env;
  const compiler = await findTool([...(CXX ? [[CXX] as const] : []), ["c++"], ["g++"], ["clang++"]]);
  if (compiler !== undefined) return compiler;
  throw new UserError(HERE, {
    expected: "a C++ compiler",
    got: "none of $CXX, c++, g++, clang++",
    try: "apt-get install build-essential, or what your system calls it",
  });
}

/** What the binding is made of, and where it goes. */
export interface BindingParts {
  /** tfjs-node's C++ sources. */
  readonly sources: string;
  /** Folders of header files: Node's and TensorFlow's. */
  readonly headers: readonly string[];
  /** Folder of libtensorflow. */
  readonly libraries: string;
  readonly libraryNames: readonly string[];
  /** The same folder as the addon sees it. */
  readonly librariesFromAddon: string;
  readonly addon: string;
}

/** Compiles tfjs-node's binding against libtensorflow. @throws UserError with the compiler's first error. */
export async function compileBinding(compiler: Tool, parts: BindingParts): Promise<void> {
  await mkdir(dirname(parts.addon), { recursive: true });
  const compiled = await runTool(
    compiler,
    [
      ...["-std=c++17", "-O2", "-fPIC", "-shared", `-DNAPI_VERSION=${NAPI_VERSION}`],
      ...parts.headers.map((folder) => `-I${folder}`),
      ...["tfjs_backend.cc", "tfjs_binding.cc"].map((name) => join(parts.sources, name)),
      ...["-o", parts.addon],
      ...parts.libraryNames.map((name) => join(parts.libraries, name)),
      `-Wl,-rpath,$ORIGIN/${parts.librariesFromAddon}`,
    ],
    {},
  );
  if (compiled.code !== 0) throw toolError("the binding does not compile", compiled, /error:|undefined reference/);
}
