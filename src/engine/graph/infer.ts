import { assert } from "../../base/errors.ts";
import { sizeOf } from "../../base/tensors.ts";
import type { Node, NodeSpec, NodeType } from "./graph.ts";
import { ARITHMETIC_OPS, COMPARISON_OPS, type OpAttrs, type OpName, REDUCE_OPS, UNARY_OPS } from "./ops.ts";
import { broadcastShapes, keptShape, sameShape, sideAt } from "./shapes.ts";

/** Checks an operation's inputs and tells its result's shape and dtype. @throws when they do not fit the operation. */
type Infer<Attrs> = (inputs: readonly Node[], attrs: Attrs) => NodeSpec;

function inputAt(inputs: readonly Node[], index: number): Node {
  const input = inputs[index];
  assert(input !== undefined, `input ${index} is missing`);
  return input;
}

function count(inputs: readonly Node[], least: number, most = least): void {
  assert(inputs.length >= least && inputs.length <= most, `${inputs.length} inputs, not ${least} to ${most}`);
}

function dtypeIs(node: Node, ...allowed: readonly NodeType[]): void {
  assert(allowed.includes(node.dtype), `dtype ${node.dtype} is not ${allowed.join(" or ")}`);
}

function rankIs(list: readonly number[], rank: number, what: string): void {
  assert(list.length === rank, `${what} has ${list.length} entries for rank ${rank}`);
}

const unary: Infer<OpAttrs["neg"]> = (inputs) => {
  count(inputs, 1);
  const { shape, dtype } = inputAt(inputs, 0);
  return { shape, dtype };
};

const toBool: Infer<OpAttrs["isNan"]> = (inputs) => ({ ...unary(inputs, {}), dtype: "bool" });

const arithmetic: Infer<OpAttrs["add"]> = (inputs) => {
  count(inputs, 2);
  const [a, b] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  assert(a.dtype === b.dtype, `dtypes ${a.dtype} and ${b.dtype} differ`);
  dtypeIs(a, "float32", "int32");
  return { shape: broadcastShapes(a.shape, b.shape), dtype: a.dtype };
};

const comparison: Infer<OpAttrs["less"]> = (inputs) => {
  count(inputs, 2);
  const [a, b] = [inputAt(inputs, 0), inputAt(inputs, 1)];
  assert(a.dtype === b.dtype, `dtypes ${a.dtype} and ${b.dtype} differ`);
  return { shape: broadcastShapes(a.shape, b.shape), dtype: "bool" };
};

const reduce: Infer<OpAttrs["sum"]> = (inputs, { axes }) => {
  count(inputs, 1);
  const { shape, dtype } = inputAt(inputs, 0);
  for (const axis of axes) sideAt(shape, axis);
  return { shape: keptShape(shape, axes), dtype };
};

const alongAxis: Infer<OpAttrs["softmax"]> = (inputs, { axis }) => {
  count(inputs, 1);
  const { shape, dtype } = inputAt(inputs, 0);
  sideAt(shape, axis);
  return { shape, dtype };
};

const indexOf: Infer<OpAttrs["argMax"]> = (inputs, { axis }) => ({
  shape: keptShape(alongAxis(inputs, { axis }).shape, [axis]),
  dtype: "int32",
});

const normalize: Infer<OpAttrs["rmsNorm"]> = (inputs) => {
  count(inputs, 1, 3);
  const x = inputAt(inputs, 0);
  for (const affine of inputs.slice(1)) {
    assert(sameShape(affine.shape, x.shape.slice(-1)), `gain or shift [${affine.shape}] for input [${x.shape}]`);
  }
  return { shape: x.shape, dtype: "float32" };
};

function table<Op extends OpName, Attrs>(ops: readonly Op[], infer: Infer<Attrs>): Record<Op, Infer<Attrs>> {
  return Object.fromEntries(ops.map((op) => [op, infer])) as Record<Op, Infer<Attrs>>;
}

const SPECS: { readonly [Op in OpName]: Infer<OpAttrs[Op]> } = {
  ...table(UNARY_OPS, unary),
  ...table(ARITHMETIC_OPS, arithmetic),
  ...table(COMPARISON_OPS, comparison),
  ...table(REDUCE_OPS, reduce),
  isNan: toBool,
  input: (_, { shape, dtype }) => ({ shape, dtype }),
  constant: (_, { data, shape, dtype }) => {
    assert(data.length === sizeOf(shape), `${data.length} values for shape [${shape}]`);
    return { shape, dtype };
  },
  fill: (_, { shape, dtype }) => ({ shape, dtype }),
  where: (inputs) => {
    count(inputs, 3);
    const [condition, yes, no] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2)];
    dtypeIs(condition, "bool");
    assert(yes.dtype === no.dtype, `dtypes ${yes.dtype} and ${no.dtype} differ`);
    return { shape: broadcastShapes(condition.shape, yes.shape, no.shape), dtype: yes.dtype };
  },
  cast: (inputs, { to }) => ({ ...unary(inputs, {}), dtype: to }),
  reshape: (inputs, { shape }) => {
    const from = unary(inputs, {});
    assert(sizeOf(from.shape) === sizeOf(shape), `[${from.shape}] cannot be reshaped to [${shape}]`);
    return { shape, dtype: from.dtype };
  },
  transpose: (inputs, { perm }) => {
    const { shape, dtype } = unary(inputs, {});
    rankIs(perm, shape.length, "perm");
    assert(new Set(perm).size === perm.length, `perm [${perm}] repeats an axis`);
    return { shape: perm.map((axis) => sideAt(shape, axis)), dtype };
  },
  broadcast: (inputs, { shape }) => {
    const from = unary(inputs, {});
    assert(sameShape(broadcastShapes(from.shape, shape), shape), `[${from.shape}] does not broadcast to [${shape}]`);
    return { shape, dtype: from.dtype };
  },
  slice: (inputs, { begin, size, step }) => {
    const { shape, dtype } = unary(inputs, {});
    for (const list of [begin, size, step]) rankIs(list, shape.length, "slice");
    shape.forEach((side, axis) => {
      const first = sideAt(begin, axis);
      const last = first + (sideAt(size, axis) - 1) * sideAt(step, axis);
      const empty = size[axis] === 0;
      assert(empty || (Math.min(first, last) >= 0 && Math.max(first, last) < side), `slice leaves axis ${axis}`);
    });
    return { shape: size, dtype };
  },
  pad: (inputs, { before, after }) => {
    const { shape, dtype } = unary(inputs, {});
    rankIs(before, shape.length, "pad");
    rankIs(after, shape.length, "pad");
    return { shape: shape.map((side, axis) => side + sideAt(before, axis) + sideAt(after, axis)), dtype };
  },
  concat: (inputs, { axis }) => {
    const first = inputAt(inputs, 0);
    let joined = 0;
    for (const { shape, dtype } of inputs) {
      assert(dtype === first.dtype, `dtypes ${dtype} and ${first.dtype} differ`);
      assert(sameShape(keptShape(shape, [axis]), keptShape(first.shape, [axis])), `[${shape}] and [${first.shape}]`);
      joined += sideAt(shape, axis);
    }
    return { shape: first.shape.map((side, i) => (i === axis ? joined : side)), dtype: first.dtype };
  },
  gather: (inputs, { axis }) => {
    count(inputs, 2);
    const [data, indices] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    dtypeIs(indices, "int32");
    sideAt(data.shape, axis);
    return {
      shape: [...data.shape.slice(0, axis), ...indices.shape, ...data.shape.slice(axis + 1)],
      dtype: data.dtype,
    };
  },
  scatterAdd: (inputs) => {
    count(inputs, 3);
    const [data, indices, updates] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2)];
    dtypeIs(indices, "int32");
    assert(
      data.shape.length === 2 && indices.shape.length === 1,
      `data are [${data.shape}], indices [${indices.shape}]`,
    );
    assert(
      sameShape(updates.shape, [sideAt(indices.shape, 0), sideAt(data.shape, 1)]),
      `updates are [${updates.shape}]`,
    );
    return { shape: data.shape, dtype: data.dtype };
  },
  cumsum: alongAxis,
  argMax: indexOf,
  argMin: indexOf,
  softmax: alongAxis,
  matmul: (inputs, { transA, transB }) => {
    count(inputs, 2);
    const [a, b] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    assert(a.shape.length >= 2 && b.shape.length >= 2, "a product needs matrices");
    const [rows, innerA] = [sideAt(a.shape, transA ? -1 : -2), sideAt(a.shape, transA ? -2 : -1)];
    const [innerB, cols] = [sideAt(b.shape, transB ? -1 : -2), sideAt(b.shape, transB ? -2 : -1)];
    assert(innerA === innerB, `inner sides ${innerA} and ${innerB} differ`);
    assert(a.dtype === b.dtype, `dtypes ${a.dtype} and ${b.dtype} differ`);
    return { shape: [...broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, cols], dtype: a.dtype };
  },
  conv: (inputs, { strides, before, after }) => {
    count(inputs, 2, 3);
    const [x, w] = [inputAt(inputs, 0), inputAt(inputs, 1)];
    assert(x.shape.length === w.shape.length, `image [${x.shape}] and kernel [${w.shape}] differ in rank`);
    assert(x.shape[1] === w.shape[1], `image has ${x.shape[1]} channels, kernel ${w.shape[1]}`);
    const sides = strides.map((stride, i) => {
      const padded = sideAt(x.shape, i + 2) + sideAt(before, i) + sideAt(after, i);
      return Math.floor((padded - sideAt(w.shape, i + 2)) / stride) + 1;
    });
    assert(x.dtype === w.dtype, `dtypes ${x.dtype} and ${w.dtype} differ`);
    return { shape: [sideAt(x.shape, 0), sideAt(w.shape, 0), ...sides], dtype: x.dtype };
  },
  layerNorm: normalize,
  rmsNorm: normalize,
  rotary: (inputs) => {
    count(inputs, 3);
    const [x, cos, sin] = [inputAt(inputs, 0), inputAt(inputs, 1), inputAt(inputs, 2)];
    const [tokens, , width] = x.shape;
    assert(tokens !== undefined && width !== undefined && x.shape.length === 3, `[${x.shape}] is not L H d`);
    for (const { shape } of [cos, sin]) assert(sameShape(shape, [tokens, width / 2]), `angles are [${shape}]`);
    return { shape: x.shape, dtype: "float32" };
  },
  part: (inputs) => {
    const { shape, dtype } = unary(inputs, {});
    return { shape: [...shape.slice(0, -1), 1], dtype };
  },
};

/** Shape and dtype of `op`'s result. @throws when the inputs or attributes do not fit. */
export function inferSpec<Op extends OpName>(op: Op, inputs: readonly Node[], attrs: OpAttrs[Op]): NodeSpec {
  try {
    return SPECS[op](inputs, attrs);
  } catch (error) {
    const shapes = inputs.map((input) => `${input.dtype}[${input.shape}]`).join(", ");
    throw new Error(`${op}(${shapes}): ${error instanceof Error ? error.message : error}`);
  }
}
