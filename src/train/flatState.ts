import { assert, UserError } from "../base/errors.ts";
import { KeyedRandom } from "../base/random.ts";
import { floats, type HostTensor, sizeOf } from "../base/tensors.ts";
import type { HostMap } from "../engine/engine.ts";
import type { ParamSpec } from "../nn/params.ts";

/** Parameters start on 64-byte borders, so that vector code sees aligned views. */
const ALIGN_FLOATS = 16;

/** Where one parameter lies in a flat buffer, in floats. */
export interface Slot extends ParamSpec {
  readonly offset: number;
  readonly size: number;
}

/** A run of whole parameters in the flat buffers that are updated alike. [start, end) in floats. */
export interface UpdateGroup {
  /** Whether weight decay applies. */
  readonly decayed: boolean;
  /** Matrices of transformer blocks, which have steps of their own where there is Muon. */
  readonly hidden: boolean;
  readonly start: number;
  readonly end: number;
}

/**
 * The order of all parameters in flat memory: matrices and kernels first (weight decay applies), then gains, biases and
 * other vectors (none). The gaps left by alignment stay zero in every buffer.
 */
export class FlatLayout {
  readonly slots: readonly Slot[];
  readonly groups: readonly UpdateGroup[];
  /** Floats in each buffer, gaps included. */
  readonly length: number;
  /** Learned numbers, gaps excluded. */
  readonly numParams: number;

  constructor(specs: readonly ParamSpec[]) {
    const slots: Slot[] = [];
    const groups: UpdateGroup[] = [];
    let offset = 0;
    for (const [decayed, hidden] of [
      [true, true],
      [true, false],
      [false, false],
    ] as const) {
      const start = offset;
      for (const spec of specs.filter((each) => isDecayed(each) === decayed && isHidden(each) === hidden)) {
        const size = sizeOf(spec.shape);
        slots.push({ ...spec, offset, size });
        offset += Math.ceil(size / ALIGN_FLOATS) * ALIGN_FLOATS;
      }
      if (offset > start) groups.push({ decayed, hidden, start, end: offset });
    }
    this.slots = slots;
    this.groups = groups;
    this.length = offset;
    this.numParams = slots.reduce((sum, slot) => sum + slot.size, 0);
  }

  /** A zeroed buffer of this layout. */
  allocate(): Float32Array {
    return new Float32Array(this.length);
  }

  /** Each parameter as a tensor over the buffer's memory, under `prefix` + its path. */
  views(buffer: Float32Array, prefix = ""): Record<string, HostTensor> {
    assert(buffer.length === this.length, "a buffer of this layout");
    return Object.fromEntries(
      this.slots.map(({ path, shape, offset, size }) => [
        prefix + path,
        floats(shape, buffer.subarray(offset, offset + size)),
      ]),
    );
  }

  /** Copies tensors by path into the buffer. @throws UserError when one is missing, left over or of another shape. */
  load(buffer: Float32Array, tensors: HostMap, where: string): void {
    const known = new Set(this.slots.map((slot) => slot.path));
    const extra = Object.keys(tensors).find((path) => !known.has(path));
    if (extra !== undefined) throw new UserError(where, `holds ${extra}, which this model does not have`);
    for (const { path, shape, offset } of this.slots) {
      const tensor = tensors[path];
      if (tensor === undefined) throw new UserError(where, { expected: `a tensor ${path}`, got: "none" });
      if (tensor.shape.join() !== shape.join() || !(tensor.data instanceof Float32Array)) {
        throw new UserError(`${where} ${path}`, {
          expected: `float32 [${shape.join(", ")}]`,
          got: `${tensor.dtype} [${tensor.shape.join(", ")}]`,
        });
      }
      buffer.set(tensor.data, offset);
    }
  }

  /** Copies the given values of some parameters over the buffer. */
  overwrite(buffer: Float32Array, values: Readonly<Record<string, Float32Array>>): void {
    const slots = new Map(this.slots.map((slot) => [slot.path, slot]));
    for (const [path, data] of Object.entries(values)) {
      const slot = slots.get(path);
      assert(slot !== undefined && slot.size === data.length, `${path} is a parameter of ${data.length} numbers`);
      buffer.set(data, slot.offset);
    }
  }

  /** Starting values. Each parameter's depend on the seed and its path only. */
  initialise(buffer: Float32Array, seed: number): void {
    for (const { path, init, offset, size } of this.slots) {
      const values = buffer.subarray(offset, offset + size);
      const random = new KeyedRandom(seed, "init", path);
      if (init.kind === "zeros") values.fill(0);
      else if (init.kind === "ones") values.fill(1);
      else if (init.kind === "normal") transform(random.fillNormal(values), (x) => x * init.std);
      else transform(random.fillUniform(values), (x) => (2 * x - 1) * init.limit);
    }
  }
}

function transform(values: Float32Array, f: (x: number) => number): void {
  for (let i = 0; i < values.length; i++) values[i] = f(values[i] as number);
}

function isDecayed({ shape }: ParamSpec): boolean {
  return shape.length >= 2;
}

/** A matrix from features to features inside a stack of blocks. */
function isHidden({ path, shape }: ParamSpec): boolean {
  return shape.length === 2 && /(^|\.)blocks\.\d+\./.test(path);
}
