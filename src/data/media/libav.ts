/** FFmpeg's libraries from the optional package node-av. */
export type Libav = typeof import("node-av/lib");
export type LibavConstants = typeof import("node-av/constants");

export interface LoadedLibav {
  readonly lib: Libav;
  readonly constants: LibavConstants;
}

let loading: Promise<LoadedLibav | undefined> | undefined;

/** Loads node-av once; undefined where it is not installed or cannot run. */
export function loadLibav(): Promise<LoadedLibav | undefined> {
  loading ??= load();
  return loading;
}

async function load(): Promise<LoadedLibav | undefined> {
  try {
    const [lib, constants] = await Promise.all([import("node-av/lib"), import("node-av/constants")]);
    lib.Log.setLevel(constants.AV_LOG_ERROR);
    return { lib, constants };
  } catch {
    return undefined;
  }
}
