import { type ClipEntry, shapeKey } from "../data/clip.ts";
import type { Clips } from "../data/clips.ts";
import { groupBy } from "../data/group.ts";
import type { VaeCodec } from "../models/vae/vaeCodec.ts";
import { reconstruct } from "./reconstruction.ts";
import { ssim } from "./ssim.ts";

/** Means over clips. */
export interface Fidelity {
  /** dB. */
  readonly psnr: number;
  readonly ssim: number;
  readonly n: number;
}

/** What a VAE makes of clips: over all of them, and by their size. */
export interface ReconstructionReport extends Fidelity {
  readonly buckets: Readonly<Record<string, Fidelity>>;
}

/** Encodes and decodes clips, and compares. @param entries at least one; damaged ones are left out. */
export async function reportReconstruction(
  codec: VaeCodec,
  dataset: Clips,
  entries: readonly ClipEntry[],
  onClip: (done: number) => void = () => {},
): Promise<ReconstructionReport> {
  const measured: { readonly bucket: string; readonly psnr: number; readonly ssim: number }[] = [];
  for await (const { entry, original, decoded, psnr } of reconstruct(codec, dataset, entries)) {
    measured.push({ bucket: shapeKey(entry), psnr, ssim: ssim(original, decoded, entry) });
    onClip(measured.length);
  }
  const buckets = groupBy(measured, ({ bucket }) => bucket);
  return {
    ...fidelity(measured),
    buckets: Object.fromEntries([...buckets].sort().map(([key, members]) => [key, fidelity(members)])),
  };
}

function fidelity(clips: readonly Omit<Fidelity, "n">[]): Fidelity {
  const mean = (of: "psnr" | "ssim"): number => clips.reduce((sum, clip) => sum + clip[of], 0) / clips.length;
  return { psnr: mean("psnr"), ssim: mean("ssim"), n: clips.length };
}
