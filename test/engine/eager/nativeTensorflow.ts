import { loadBackend } from "../../../src/engine/eager/backends.ts";

/** Why native TensorFlow cannot run here; undefined where it can: tfjs-node is installed, or a build is in the cache. */
export async function whyNoTensorflow(): Promise<string | undefined> {
  try {
    await loadBackend("tensorflow");
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Declares tests that are skipped, with the reason printed, where native TensorFlow cannot run. */
export function onTensorflow(title: string, declare: () => void): void {
  describe(title, () => {
    before(async function () {
      const reason = await whyNoTensorflow();
      if (reason === undefined) return;
      console.log(`skipped: ${title}: ${reason}`);
      this.skip();
    });
    declare();
  });
}
