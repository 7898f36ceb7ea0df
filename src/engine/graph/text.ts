import type { Graph, Node, NodeType } from "./graph.ts";

const SHORT: Readonly<Record<NodeType, string>> = {
  float32: "f32",
  float16: "f16",
  bfloat16: "bf16",
  int32: "i32",
  bool: "bool",
};

/** What nodes are called in the text form: inputs by their name, others by their place among those: `%3`. */
export function nodeNames(graph: Graph): Map<Node, string> {
  const names = new Map<Node, string>();
  let place = 0;
  for (const node of graph.nodes) {
    if (node.op === "input") names.set(node, node.attrs.name);
    else names.set(node, `%${place++}`);
  }
  return names;
}

/**
 * The graph as text, one node a line: `%3 = matmul %1 %2 {transB} : f32[4,8]`.
 * @param notes remarks that follow some nodes' lines, by name.
 */
export function printGraph(graph: Graph, notes: ReadonlyMap<string, string> = new Map()): string {
  const names = nodeNames(graph);
  const lines: string[] = [];
  for (const node of graph.nodes) {
    if (node.op === "input") continue;
    const name = names.get(node) ?? "";
    const inputs = node.inputs.map((input) => ` ${names.get(input)}`).join("");
    const note = notes.has(name) ? `  ; ${notes.get(name)}` : "";
    lines.push(`  ${name} = ${node.op}${inputs}${printAttrs(node)} : ${printType(node)}${note}`);
  }
  const inputs = graph.inputs.map((input) => `${input.attrs.name}: ${printType(input)}`);
  const outputs = graph.outputs.map(({ name, node }) => `  return ${name} = ${names.get(node)}`);
  return [`${graph.name}(${inputs.join(", ")})`, ...lines, ...outputs, ""].join("\n");
}

function printType({ shape, dtype }: Node): string {
  return `${SHORT[dtype]}[${shape}]`;
}

function printAttrs(node: Node): string {
  switch (node.op) {
    case "constant":
      return ` {${[...node.attrs.data.subarray(0, 4)].map(brief).join(" ")}${node.attrs.data.length > 4 ? " ..." : ""}}`;
    case "fill":
      return ` {${brief(node.attrs.value)}}`;
    case "reshape":
    case "broadcast":
    case "cast":
      return "";
    case "matmul": {
      const { transA, transB, alpha } = node.attrs;
      const parts = [transA ? "transA" : "", transB ? "transB" : "", alpha === 1 ? "" : `alpha=${brief(alpha)}`];
      const told = parts.filter((part) => part !== "");
      return told.length === 0 ? "" : ` {${told.join(" ")}}`;
    }
    default: {
      const told = Object.entries(node.attrs).map(([key, value]) => `${key}=${printValue(value)}`);
      return told.length === 0 ? "" : ` {${told.join(" ")}}`;
    }
  }
}

function printValue(value: unknown): string {
  if (Array.isArray(value)) return `[${value}]`;
  return typeof value === "number" ? brief(value) : String(value);
}

function brief(value: number): string {
  return String(Number(value.toPrecision(7)));
}
