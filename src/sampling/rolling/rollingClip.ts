import { assert, UserError } from "../../base/errors.ts";
import { KeyedRandom } from "../../base/random.ts";
import { patchify, unpatchify } from "../../models/patches/patchify.ts";
import { denormaliseLatents, normaliseLatents } from "../../models/vae/latents.ts";
import type { LatentDrawer } from "../latentDrawer.ts";
import type { LatentRequest } from "../latentRequest.ts";
import type { LatentVideo } from "../latentVideo.ts";
import type { RollingSchedule } from "./schedule.ts";

/**
 * A long clip that is being drawn: the frames of tokens that the model sees, and no others. Frames are counted in
 * tokens, each of them `patch[0]` latent frames.
 */
export class RollingClip {
  readonly request: LatentRequest;
  private readonly drawer: LatentDrawer;
  private readonly schedule: RollingSchedule;
  private readonly noiseIds: readonly (string | number)[];
  /** Values of the window's frames by number. */
  private frames = new Map<number, Float32Array>();
  private numFinished: number;

  /** @param noiseIds name the clip's noise; each frame has its own. */
  constructor(
    drawer: LatentDrawer,
    request: LatentRequest,
    schedule: RollingSchedule,
    noiseIds: readonly (string | number)[],
  ) {
    this.drawer = drawer;
    this.request = request;
    this.schedule = schedule;
    this.noiseIds = noiseIds;
    this.numFinished = numGiven(request) / this.patchFrames;
  }

  /** Values of a window of frames, in order. Those that come into sight are noise, or what was given. */
  slideTo(first: number, count: number): Float32Array {
    const seen = Array.from({ length: count }, (_, i) => first + i);
    const values = seen.map((frame) => this.frames.get(frame) ?? this.fresh(frame));
    this.frames = new Map(seen.map((frame, i) => [frame, values[i] as Float32Array]));
    const all = new Float32Array(values.reduce((sum, { length }) => sum + length, 0));
    for (const [i, ofFrame] of values.entries()) all.set(ofFrame, i * ofFrame.length);
    return all;
  }

  /** Takes the window's values after some steps, and gives the frames that are finished now. */
  take(values: Float32Array, step: number): LatentVideo[] {
    const size = values.length / this.frames.size;
    for (const [i, frame] of [...this.frames.keys()].entries()) {
      this.frames.set(frame, values.slice(i * size, (i + 1) * size));
    }
    const finished: LatentVideo[] = [];
    const end = this.request.grid.t / this.patchFrames;
    while (this.numFinished < end && this.schedule.levelAt(step, this.numFinished) === 0) {
      finished.push(this.latentsOf(this.numFinished++));
    }
    return finished;
  }

  /** What the clip shows around a frame. */
  promptAt(frame: number): string {
    const { prompt, later = [] } = this.request;
    return later.findLast(({ from }) => from <= frame * this.patchFrames)?.prompt ?? prompt;
  }

  private get patchFrames(): number {
    return this.drawer.model.dit.patch[0];
  }

  private fresh(frame: number): Float32Array {
    const { grid, known = [] } = this.request;
    const { model, statistics } = this.drawer;
    const size = this.patchFrames * grid.h * grid.w * model.latentChannels;
    const given = known.slice(frame * this.patchFrames, (frame + 1) * this.patchFrames);
    if (given.length === 0) return new KeyedRandom(...this.noiseIdsOf(frame)).fillNormal(new Float32Array(size));
    const latent_thwz = new Float32Array(size);
    for (const [i, { latent_hwz }] of given.entries()) latent_thwz.set(latent_hwz, i * latent_hwz.length);
    return patchify(normaliseLatents(latent_thwz, statistics), { ...grid, t: this.patchFrames }, model.dit.patch);
  }

  private noiseIdsOf(frame: number): [string | number, string, ...(string | number)[]] {
    const [seed = 0, ...ids] = this.noiseIds;
    return [seed, "sample noise", ...ids, "frame", frame];
  }

  private latentsOf(frame: number): LatentVideo {
    const values = this.frames.get(frame);
    assert(values !== undefined, `frame ${frame} is in sight until it is finished`);
    const grid = { ...this.request.grid, t: this.patchFrames };
    const { model, statistics } = this.drawer;
    return { grid, latent_thwz: denormaliseLatents(unpatchify(values, grid, model.dit.patch), statistics) };
  }
}

/** How many first frames of a long clip are given. @throws UserError when others are, or it is to be edited. */
export function numGiven({ known = [], edit }: LatentRequest): number {
  if (edit !== undefined) {
    throw new UserError("edit", { expected: "a clip that fits into the model's window", got: "a longer one" });
  }
  const stray = known.find(({ frame, until = 0 }, i) => frame !== i || until > 0);
  if (stray === undefined) return known.length;
  throw new UserError("given frames", {
    expected: "the first ones, in order: a clip longer than the model's window is drawn from its beginning",
    got: `latent frame ${stray.frame}`,
  });
}
