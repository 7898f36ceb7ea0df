import { Assembler } from "./asm/assembler.ts";
import { Label } from "./asm/bytes.ts";
import { mem, r8, rax, rbx, rcx, rdi } from "./asm/registers.ts";
import { placeCode } from "./executableMemory.ts";
import { foreign } from "./foreign.ts";

/** Leaf 1, ecx: the operating system tells which registers it keeps. */
const OSXSAVE = 1 << 27;
/** Leaf 7, ebx: the foundation of 512-bit vectors. */
const AVX512F = 1 << 16;
/** XCR0: vector registers of 128, 256 and 512 bits, all 32 of them, and masks. */
const VECTOR_STATE = 0xe6;

let reason: string | undefined;
let probed = false;

/** Why native kernels cannot run on this machine; undefined where they can. Tried once. */
export function whyNoKernels(): string | undefined {
  if (!probed) reason = probe();
  probed = true;
  return reason;
}

function probe(): string | undefined {
  if (process.platform !== "linux" || process.arch !== "x64")
    return `no kernels for ${process.platform} ${process.arch}`;
  try {
    const facts = new Uint32Array(new ArrayBuffer(12));
    foreign.decode(placeCode(probeCode()), foreign.proto("void (void *facts)"))(facts);
    const [basic = 0, extended = 0, state = 0] = facts;
    const has = (basic & OSXSAVE) !== 0 && (extended & AVX512F) !== 0 && (state & VECTOR_STATE) === VECTOR_STATE;
    return has ? undefined : "the processor has no AVX-512";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** A function that writes leaf 1's ecx, leaf 7's ebx and XCR0 where its argument points. */
function probeCode(): Uint8Array {
  const asm = new Assembler();
  asm.push(rbx);
  asm.copy(r8, rdi);
  asm.set(rax, 1);
  asm.cpuid();
  asm.store32(mem(r8, 0), rcx);
  asm.set(rax, 7);
  asm.set(rcx, 0);
  asm.cpuid();
  asm.store32(mem(r8, 4), rbx);
  // XGETBV exists only where OSXSAVE is set: without it, the state is left at 0.
  const end = new Label();
  asm.load(rax, mem(r8));
  asm.andImm(rax, OSXSAVE);
  asm.jump(end, "equal");
  asm.set(rcx, 0);
  asm.xgetbv();
  asm.store32(mem(r8, 8), rax);
  asm.bind(end);
  asm.pop(rbx);
  asm.ret();
  return asm.finish();
}
