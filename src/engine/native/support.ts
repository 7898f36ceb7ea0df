import { Assembler } from "./asm/assembler.ts";
import { Label } from "./asm/label.ts";
import { mem, r8, rax, rbx, rcx, rdi } from "./asm/registers.ts";
import { type VectorIsa, vectorIsas } from "./asm/vectorIsa.ts";
import { placeCode } from "./executableMemory.ts";
import { foreign } from "./foreign.ts";

/** Leaf 1, ecx: fused multiply-add, and that the operating system tells which registers it keeps. */
const FMA = 1 << 12;
const OSXSAVE = 1 << 27;

interface Needs {
  /** Bits of leaf 1's ecx, of leaf 7's ebx, and of XCR0. */
  readonly basic: number;
  readonly extended: number;
  readonly state: number;
}

const needs: Readonly<Record<VectorIsa["name"], Needs>> = {
  // The foundation of 512-bit vectors; vector registers of 128, 256 and 512 bits, all 32 of them, and masks.
  avx512: { basic: OSXSAVE, extended: 1 << 16, state: 0xe6 },
  // Vector registers of 128 and 256 bits.
  avx2: { basic: OSXSAVE | FMA, extended: 1 << 5, state: 0x6 },
};

type Support = { readonly isas: readonly VectorIsa[] } | { readonly reason: string };

let support: Support | undefined;

/** The instruction sets that kernels can be written in here, the best first. Tried once. */
export function kernelIsas(): readonly VectorIsa[] {
  support ??= probe();
  return "isas" in support ? support.isas : [];
}

/** Why native kernels cannot run on this machine; undefined where they can. */
export function whyNoKernels(): string | undefined {
  support ??= probe();
  return "isas" in support ? undefined : support.reason;
}

function probe(): Support {
  if (process.platform !== "linux" || process.arch !== "x64")
    return { reason: `no kernels for ${process.platform} ${process.arch}` };
  try {
    const facts = new Uint32Array(new ArrayBuffer(12));
    foreign.decode(placeCode(probeCode()), foreign.proto("void (void *facts)"))(facts);
    const [basic = 0, extended = 0, state = 0] = facts;
    const has = (bits: number, wanted: number) => (bits & wanted) === wanted;
    const isas = vectorIsas.filter(({ name }) => {
      const needed = needs[name];
      return has(basic, needed.basic) && has(extended, needed.extended) && has(state, needed.state);
    });
    return isas.length > 0 ? { isas } : { reason: "the processor has neither AVX-512 nor AVX2 with FMA" };
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) };
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
