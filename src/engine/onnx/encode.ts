import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { assert } from "../../base/errors.ts";
import { sizeOf } from "../../base/tensors.ts";
import type { OnnxAttribute, OnnxInitializer, OnnxModel, OnnxNode, OnnxTensor, OnnxValue } from "./model.ts";
import {
  type AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as DataType,
  ModelProtoSchema,
  type NodeProtoSchema,
  type TensorProtoSchema,
  type ValueInfoProtoSchema,
} from "./proto/onnx-ml_pb.ts";

/** Version of the file format: that of ONNX 1.16, the first with operator set 21. */
const IR_VERSION = 10n;

/** ONNX's codes of element types. */
export const onnxTypes = {
  float32: DataType.FLOAT,
  int32: DataType.INT32,
  int64: DataType.INT64,
  bool: DataType.BOOL,
} as const;

/** A model as bytes of the ONNX format. Equal models give equal bytes. */
export function encodeOnnx(model: OnnxModel): Uint8Array {
  return toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: "kinema",
      opsetImport: Object.entries(model.opsets).map(([domain, version]) => ({ domain, version: BigInt(version) })),
      graph: {
        name: model.name,
        node: model.nodes.map(encodeNode),
        initializer: model.initializers.map(encodeInitializer),
        input: model.inputs.map(encodeValue),
        output: model.outputs.map(encodeValue),
        valueInfo: (model.values ?? []).map(encodeValue),
      },
    }),
  );
}

function encodeNode(node: OnnxNode): MessageInitShape<typeof NodeProtoSchema> {
  return {
    opType: node.op,
    ...(node.name === undefined ? {} : { name: node.name }),
    ...(node.domain === undefined ? {} : { domain: node.domain }),
    input: [...node.inputs],
    output: [...node.outputs],
    attribute: Object.entries(node.attributes ?? {}).map(encodeAttribute),
  };
}

function encodeAttribute([name, value]: [string, OnnxAttribute]): MessageInitShape<typeof AttributeProtoSchema> {
  if ("int" in value) return { name, type: AttributeType.INT, i: BigInt(value.int) };
  if ("float" in value) return { name, type: AttributeType.FLOAT, f: value.float };
  if ("ints" in value) return { name, type: AttributeType.INTS, ints: value.ints.map(BigInt) };
  if ("floats" in value) return { name, type: AttributeType.FLOATS, floats: [...value.floats] };
  if ("string" in value) return { name, type: AttributeType.STRING, s: new TextEncoder().encode(value.string) };
  return { name, type: AttributeType.TENSOR, t: encodeTensor(value.tensor) };
}

function encodeInitializer({ name, tensor }: OnnxInitializer): MessageInitShape<typeof TensorProtoSchema> {
  return { name, ...encodeTensor(tensor) };
}

/** Raw data is little-endian in the format, as it is on every machine that ONNX Runtime supports. */
function encodeTensor({ shape, dtype, data }: OnnxTensor): MessageInitShape<typeof TensorProtoSchema> {
  assert(data.length === sizeOf(shape), `constant of shape [${shape.join(", ")}] has ${data.length} elements`);
  return {
    dims: shape.map(BigInt),
    dataType: onnxTypes[dtype],
    rawData: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  };
}

function encodeValue({ name, spec }: OnnxValue): MessageInitShape<typeof ValueInfoProtoSchema> {
  const dim = spec.shape.map((side) => ({ value: { case: "dimValue" as const, value: BigInt(side) } }));
  return { name, type: { value: { case: "tensorType", value: { elemType: onnxTypes[spec.dtype], shape: { dim } } } } };
}
