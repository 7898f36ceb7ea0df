import type { Tensor } from "@tensorflow/tfjs";
import * as tf from "@tensorflow/tfjs";
import { type HostTensor, withPrefix } from "../base/tensors.ts";
import type {
  Binding,
  DeviceTensor,
  Engine,
  HostMap,
  Program,
  Signature,
  TensorFn,
  TensorMap,
} from "../engine/engine.ts";
import type { FlatLayout } from "./flatState.ts";
import type { StateBuffer } from "./stateBuffer.ts";
import { NUM_LANES, type StatePart, statePartsOf } from "./stateParts.ts";

type Buffers = Readonly<Record<string, StateBuffer>>;

/** A function of pieces of state buffers: elementwise, unless it says which pieces it takes. */
export interface StateFunction {
  readonly name: string;
  /** Reads tensors under the names of `reads` and of the scalars; its results are named in `writes` and `sums`. */
  readonly fn: TensorFn;
  readonly reads: Buffers;
  /** Results that go into buffers. A buffer may be read and written, by different operations. */
  readonly writes: Buffers;
  /** Scalar results that are added up over all pieces. */
  readonly sums?: readonly string[];
  /** Scalars that decayed and undecayed parameters meet; read anew at each run. */
  readonly scalars?: Readonly<Record<"decayed" | "free", HostMap>>;
  /** What single runs cover. Default: all parameters. */
  readonly parts?: readonly StatePart[];
}

/** A state function ready to run over whole buffers. */
export class StateProgram {
  private readonly bindings: readonly Binding[];
  private readonly programs: readonly Program[];

  private constructor(bindings: readonly Binding[], programs: readonly Program[]) {
    this.bindings = bindings;
    this.programs = programs;
  }

  static async create(engine: Engine, layout: FlatLayout, what: StateFunction): Promise<StateProgram> {
    const programs = new Map<string, Program>();
    const bindings: Binding[] = [];
    for (const part of what.parts ?? statePartsOf(engine, layout)) {
      const key = JSON.stringify(part.shapes);
      const program = programs.get(key) ?? (await compilePart(engine, what, part));
      programs.set(key, program);
      bindings.push(bindPart(program, what, part));
    }
    return new StateProgram(bindings, [...programs.values()]);
  }

  /** Runs over every piece, a few at a time. */
  async run(): Promise<void> {
    await inLanes(this.bindings, (binding) => binding.run());
  }

  /** Lets the buffers go and frees what the engine holds for it. */
  async dispose(): Promise<void> {
    for (const binding of this.bindings) binding.dispose();
    for (const program of this.programs) await program.dispose();
  }

  /** One of the sums after a run. */
  sum(name: string): number {
    return this.bindings.reduce((total, { outputs }) => total + (outputs[name]?.data[0] ?? 0), 0);
  }
}

/** The function on each piece; tensors of piece i are named `grad/i`. */
function compilePart(engine: Engine, what: StateFunction, { shapes, decayed }: StatePart): Promise<Program> {
  const { name, reads, writes, sums = [] } = what;
  const scalars = scalarsOf(what, decayed);
  const fn: TensorFn = (inputs) => {
    const results: TensorMap = {};
    const added: Record<string, Tensor[]> = Object.fromEntries(sums.map((sum) => [sum, []]));
    for (const i of shapes.keys()) {
      const pieces = Object.keys(reads).map((read) => [read, inputs[`${read}/${i}`]]);
      const shared = Object.keys(scalars).map((scalar) => [scalar, inputs[scalar]]);
      const made = what.fn(Object.fromEntries([...pieces, ...shared]) as TensorMap);
      for (const write of Object.keys(writes)) results[`${write}/${i}`] = made[write] as Tensor;
      for (const sum of sums) added[sum]?.push(made[sum] as Tensor);
    }
    for (const [sum, parts] of Object.entries(added)) results[sum] = tf.addN(parts);
    return results;
  };
  const pieces = Object.keys(reads).flatMap((read) =>
    shapes.map((shape, i) => [`${read}/${i}`, { shape, dtype: "float32" }] as const),
  );
  const signature: Signature = {
    ...Object.fromEntries(pieces),
    ...Object.fromEntries(Object.entries(scalars).map(([scalar, { shape, dtype }]) => [scalar, { shape, dtype }])),
  };
  const size = shapes.length === 1 ? String(shapes[0]) : `${shapes.length} parameters`;
  return engine.compile(`${name} ${size}`, fn, signature);
}

function bindPart(program: Program, what: StateFunction, part: StatePart): Binding {
  return program.bind({ ...piecesOf(what.reads, part), ...scalarsOf(what, part.decayed) }, piecesOf(what.writes, part));
}

function piecesOf(buffers: Buffers, part: StatePart): Record<string, HostTensor | DeviceTensor> {
  const pieces = Object.entries(buffers).map(([name, buffer]) =>
    withPrefix(Object.fromEntries(part.of(buffer).map((piece, i) => [String(i), piece])), `${name}/`),
  );
  return Object.assign({}, ...pieces) as Record<string, HostTensor | DeviceTensor>;
}

function scalarsOf({ scalars }: StateFunction, decayed: boolean): HostMap {
  return scalars?.[decayed ? "decayed" : "free"] ?? {};
}

/** Does `work` for every item, a few at a time. The items must not depend on each other. */
async function inLanes<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const lane = async (first: number) => {
    for (let i = first; i < items.length; i += NUM_LANES) await work(items[i] as T);
  };
  await Promise.all(Array.from({ length: NUM_LANES }, (_, first) => lane(first)));
}
