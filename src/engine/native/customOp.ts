import { Assembler } from "./asm/assembler.ts";
import { Label } from "./asm/label.ts";
import { type Gpr, mem, r8, r12, rax, rbp, rbx, rcx, rdi, rdx, rsi, rsp } from "./asm/registers.ts";
import type { VectorIsa } from "./asm/vectorIsa.ts";
import { type Address, placeCode, placeData } from "./executableMemory.ts";
import { emitUnitFunction, type Kernel } from "./kernel.ts";

/** Functions of ONNX Runtime that kernels call. */
export interface RuntimeFunctions {
  readonly KernelContext_GetInput: Address;
  readonly KernelContext_GetOutput: Address;
  readonly GetTensorMutableData: Address;
  readonly KernelContext_ParallelFor: Address;
}

/** Operator set of the kernels. */
export const NATIVE_DOMAIN = "kinema";

/** The version of the struct below. Source: onnxruntime_c_api.h, struct OrtCustomOp. */
const STRUCT_VERSION = 17;
const FLOAT = 1;
const REQUIRED = 0;
const MEMORY_DEFAULT = 0;
const MOST_VERSIONS = 2 ** 31 - 1;

/** The struct's functions in order, after its version. */
const FUNCTIONS = [
  "CreateKernel",
  "GetName",
  "GetExecutionProviderType",
  "GetInputType",
  "GetInputTypeCount",
  "GetOutputType",
  "GetOutputTypeCount",
  "KernelCompute",
  "KernelDestroy",
  "GetInputCharacteristic",
  "GetOutputCharacteristic",
  "GetInputMemoryType",
  "GetVariadicInputMinArity",
  "GetVariadicInputHomogeneity",
  "GetVariadicOutputMinArity",
  "GetVariadicOutputHomogeneity",
  "CreateKernelV2",
  "KernelComputeV2",
  "InferOutputShapeFn",
  "GetStartVersion",
  "GetEndVersion",
  "GetMayInplace",
  "ReleaseMayInplace",
  "GetAliasMap",
  "ReleaseAliasMap",
] as const;
type FunctionName = (typeof FUNCTIONS)[number];

/**
 * A kernel, written for `isa`, as ONNX Runtime's custom operator: the address of an OrtCustomOp, which lives as long as the process.
 * @throws Error when executable memory is refused.
 */
export function placeCustomOp(kernel: Kernel, isa: VectorIsa, runtime: RuntimeFunctions): Address {
  const name = placeData(new TextEncoder().encode(`${kernel.name}\0`));
  const asm = new Assembler(isa);
  const entries: Partial<Record<FunctionName, number>> = {};
  const enter = (function_: FunctionName, emit: () => void) => {
    entries[function_] = asm.length;
    emit();
  };
  const answer = (value: number | bigint) => () => {
    asm.set(rax, value);
    asm.ret();
  };
  enter("GetName", answer(name));
  enter("GetExecutionProviderType", answer(0));
  enter("GetInputType", answer(FLOAT));
  enter("GetOutputType", answer(FLOAT));
  enter("GetInputTypeCount", answer(kernel.numInputs));
  enter("GetOutputTypeCount", answer(kernel.outputs.length));
  enter("GetInputCharacteristic", answer(REQUIRED));
  enter("GetOutputCharacteristic", answer(REQUIRED));
  enter("GetInputMemoryType", answer(MEMORY_DEFAULT));
  for (const count of FUNCTIONS.filter((entry) => entry.startsWith("GetVariadic"))) enter(count, answer(0));
  enter("GetStartVersion", answer(1));
  enter("GetEndVersion", answer(MOST_VERSIONS));
  enter("CreateKernelV2", () => {
    asm.store(mem(rcx), rdi);
    answer(0)();
  });
  enter("KernelDestroy", () => asm.ret());
  enter("KernelComputeV2", () => emitCompute(asm, kernel, runtime));
  const code = placeCode(asm.finish());
  const struct = new BigUint64Array(1 + FUNCTIONS.length);
  struct[0] = BigInt(STRUCT_VERSION);
  FUNCTIONS.forEach((entry, i) => {
    const offset = entries[entry];
    struct[i + 1] = offset === undefined ? 0n : code + BigInt(offset);
  });
  return placeData(new Uint8Array(struct.buffer));
}

/**
 * Status Compute(kernel, context): collects the addresses of inputs and outputs, then lets the pool do all units.
 * Register plan: rbx the context. Stack: the addresses, then one cell for what calls give back.
 */
function emitCompute(asm: Assembler, kernel: Kernel, runtime: RuntimeFunctions): void {
  const numTensors = kernel.numInputs + kernel.outputs.length;
  const cell = mem(rsp, 8 * numTensors);
  const frameBytes = Math.ceil((numTensors + 1) / 2) * 16;
  const [unit, end] = [new Label(), new Label()];
  const call = (address: Address) => {
    asm.set(rax, address);
    asm.call(rax);
    asm.test(rax);
    asm.jump(end, "notEqual");
  };
  const keepAddress = (tensor: number) => {
    asm.load(rdi, cell);
    asm.lea(rsi, mem(rsp, 8 * tensor));
    call(runtime.GetTensorMutableData);
  };
  const saved: readonly Gpr[] = [rbx, rbp, r12];
  for (const register of saved) asm.push(register);
  asm.subImm(rsp, frameBytes);
  asm.copy(rbx, rsi);
  for (let input = 0; input < kernel.numInputs; input++) {
    asm.copy(rdi, rbx);
    asm.set(rsi, input);
    asm.lea(rdx, cell);
    call(runtime.KernelContext_GetInput);
    keepAddress(input);
  }
  kernel.outputs.forEach((shape, output) => {
    const dims = placeData(new Uint8Array(BigInt64Array.from(shape, BigInt).buffer));
    asm.copy(rdi, rbx);
    asm.set(rsi, output);
    asm.set(rdx, dims);
    asm.set(rcx, shape.length);
    asm.lea(r8, cell);
    call(runtime.KernelContext_GetOutput);
    keepAddress(kernel.numInputs + output);
  });
  asm.copy(rdi, rbx);
  asm.address(rsi, unit);
  asm.set(rdx, kernel.numUnits);
  asm.set(rcx, kernel.numUnits);
  asm.copy(r8, rsp);
  call(runtime.KernelContext_ParallelFor);
  asm.bind(end);
  asm.addImm(rsp, frameBytes);
  for (const register of saved.toReversed()) asm.pop(register);
  asm.ret();
  asm.bind(unit);
  emitUnitFunction(asm, kernel);
}
