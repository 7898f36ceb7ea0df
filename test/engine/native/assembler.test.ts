import assert from "node:assert/strict";
import { Assembler } from "../../../src/engine/native/asm/assembler.ts";
import { Label } from "../../../src/engine/native/asm/label.ts";
import {
  type Mask,
  mask,
  mem,
  r8,
  r9,
  r10,
  r11,
  r12,
  r13,
  r14,
  r15,
  rax,
  rbp,
  rbx,
  rcx,
  rdi,
  rdx,
  rsi,
  rsp,
  vector as zmm,
} from "../../../src/engine/native/asm/registers.ts";
import { avx2, avx512 } from "../../../src/engine/native/asm/vectorIsa.ts";
import { readGolden } from "../../goldens/golden.ts";

const instructions: Readonly<Record<string, (asm: Assembler) => void>> = {
  "mov eax, 7": (a) => a.set(rax, 7),
  "mov r9d, 4000000000": (a) => a.set(r9, 4_000_000_000),
  "movabs r10, 0x123456789abcdef0": (a) => a.set(r10, 0x123456789abcdef0n),
  "mov r12, rax": (a) => a.copy(r12, rax),
  "mov rax, QWORD PTR [rbx]": (a) => a.load(rax, mem(rbx)),
  "mov r15, QWORD PTR [rsp+8]": (a) => a.load(r15, mem(rsp, 8)),
  "mov QWORD PTR [r13+0], r8": (a) => a.store(mem(r13), r8),
  "mov QWORD PTR [rbp-4096], rdi": (a) => a.store(mem(rbp, -4096), rdi),
  "mov DWORD PTR [r8+4], ebx": (a) => a.store32(mem(r8, 4), rbx),
  "lea rsi, [r14+r9*4+64]": (a) => a.lea(rsi, mem(r14, 64, { register: r9, scale: 4 })),
  "lea rdi, [rsp]": (a) => a.lea(rdi, mem(rsp)),
  "add rcx, rdx": (a) => a.add(rcx, rdx),
  "add r10, QWORD PTR [r11+16]": (a) => a.add(r10, mem(r11, 16)),
  "add rax, 127": (a) => a.addImm(rax, 127),
  "add r12, 128": (a) => a.addImm(r12, 128),
  "sub rsp, 4096": (a) => a.subImm(rsp, 4096),
  "and rsp, -64": (a) => a.andImm(rsp, -64),
  "cmp rsi, 3": (a) => a.compareImm(rsi, 3),
  "test rax, rax": (a) => a.test(rax),
  "imul r11, rsi, 32": (a) => a.multiply(r11, rsi, 32),
  "push r13": (a) => a.push(r13),
  "pop rbx": (a) => a.pop(rbx),
  "call rax": (a) => a.call(rax),
  "jmp r9": (a) => a.jumpTo(r9),
  ret: (a) => a.ret(),
  cpuid: (a) => a.cpuid(),
  xgetbv: (a) => a.xgetbv(),
  "prefetcht0 [rcx+1024]": (a) => a.prefetch(mem(rcx, 1024)),
  "prefetcht1 [rdi+r9*1+64]": (a) => a.prefetch(mem(rdi, 64, { register: r9, scale: 1 }), "second"),
  "kmovw k1, eax": (a) => a.setMask(mask(1), rax),
  "kmovw k7, r10d": (a) => a.setMask(mask(7), r10),
  vzeroupper: (a) => a.vzeroupper(),
  "vmovups zmm0, ZMMWORD PTR [rax]": (a) => a.vload(zmm(0), mem(rax)),
  "vmovups zmm31, ZMMWORD PTR [r13+64]": (a) => a.vload(zmm(31), mem(r13, 64)),
  "vmovups zmm17, ZMMWORD PTR [r9+100]": (a) => a.vload(zmm(17), mem(r9, 100)),
  "vmovups zmm8{k2}{z}, ZMMWORD PTR [rcx-128]": (a) => a.vload(zmm(8), mem(rcx, -128), { mask: mask(2) }),
  "vmovups ZMMWORD PTR [rdi+8128], zmm20": (a) => a.vstore(mem(rdi, 8128), zmm(20)),
  "vmovups ZMMWORD PTR [rdi+8192]{k3}, zmm4": (a) => a.vstore(mem(rdi, 8192), zmm(4), { mask: mask(3) }),
  "vmovups zmm5, ZMMWORD PTR [rsi+r12*8-64]": (a) => a.vload(zmm(5), mem(rsi, -64, { register: r12, scale: 8 })),
  "vmovaps zmm30, zmm9": (a) => a.vcopy(zmm(30), zmm(9)),
  "vmovaps zmm3{k1}, zmm28": (a) => a.vcopy(zmm(3), zmm(28), { mask: mask(1) }),
  "vbroadcastss zmm29, DWORD PTR [rax+508]": (a) => a.vbroadcast(zmm(29), mem(rax, 508)),
  "vbroadcastss zmm1, DWORD PTR [r12+6144]": (a) => a.vbroadcast(zmm(1), mem(r12, 6144)),
  "vpbroadcastd zmm31, edx": (a) => a.vrepeat(zmm(31), rdx),
  "vpbroadcastd zmm2, r11d": (a) => a.vrepeat(zmm(2), r11),
  "vpxord zmm19, zmm19, zmm19": (a) => a.vzero(zmm(19)),
  "vaddps zmm1, zmm2, zmm3": (a) => a.binary("vaddps", zmm(1), zmm(2), zmm(3)),
  "vsubps zmm16, zmm8, ZMMWORD PTR [rbx+64]": (a) => a.binary("vsubps", zmm(16), zmm(8), mem(rbx, 64)),
  "vmulps zmm4, zmm30, DWORD PTR [r8+4]{1to16}": (a) =>
    a.binary("vmulps", zmm(4), zmm(30), mem(r8, 4), { broadcast: true }),
  "vdivps zmm7, zmm7, zmm23": (a) => a.binary("vdivps", zmm(7), zmm(7), zmm(23)),
  "vmaxps zmm0, zmm1, zmm31": (a) => a.binary("vmaxps", zmm(0), zmm(1), zmm(31)),
  "vminps zmm24, zmm1, zmm15": (a) => a.binary("vminps", zmm(24), zmm(1), zmm(15)),
  "vpandd zmm3, zmm18, zmm5": (a) => a.binary("vpandd", zmm(3), zmm(18), zmm(5)),
  "vpord zmm3, zmm18, zmm5": (a) => a.binary("vpord", zmm(3), zmm(18), zmm(5)),
  "vfmadd231ps zmm27, zmm28, zmm31": (a) => a.binary("vfmadd231ps", zmm(27), zmm(28), zmm(31)),
  "vfmadd231ps zmm5, zmm6, ZMMWORD PTR [rsp+192]": (a) => a.binary("vfmadd231ps", zmm(5), zmm(6), mem(rsp, 192)),
  "vfmadd213ps zmm5{k4}, zmm6, zmm7": (a) => a.binary("vfmadd213ps", zmm(5), zmm(6), zmm(7), { mask: mask(4) }),
  "vfnmadd231ps zmm12, zmm13, zmm14": (a) => a.binary("vfnmadd231ps", zmm(12), zmm(13), zmm(14)),
  "vunpcklps zmm16, zmm0, zmm1": (a) => a.binary("vunpcklps", zmm(16), zmm(0), zmm(1)),
  "vunpckhps zmm17, zmm2, zmm3": (a) => a.binary("vunpckhps", zmm(17), zmm(2), zmm(3)),
  "vunpcklpd zmm0, zmm16, zmm18": (a) => a.binary("vunpcklpd", zmm(0), zmm(16), zmm(18)),
  "vunpckhpd zmm1, zmm17, zmm31": (a) => a.binary("vunpckhpd", zmm(1), zmm(17), zmm(31)),
  "vshuff32x4 zmm20, zmm4, zmm24, 0xdd": (a) => a.shuffleLanes(zmm(20), zmm(4), zmm(24), 0xdd),
  "vshufps zmm21, zmm5, zmm25, 0x4e": (a) => a.shuffleInLanes(zmm(21), zmm(5), zmm(25), 0x4e),
  "vscalefps zmm10, zmm11, zmm12": (a) => a.binary("vscalefps", zmm(10), zmm(11), zmm(12)),
  "vsqrtps zmm9, zmm22": (a) => a.unary("vsqrtps", zmm(9), zmm(22)),
  "vsqrtps zmm9, ZMMWORD PTR [r10+256]": (a) => a.unary("vsqrtps", zmm(9), mem(r10, 256)),
  "vrndscaleps zmm13, zmm6, 8": (a) => a.round(zmm(13), zmm(6)),
};

const ymm = zmm;

/** With vectors of 256 bits. */
const narrowInstructions: Readonly<Record<string, (asm: Assembler) => void>> = {
  "vmovups ymm0, YMMWORD PTR [rax]": (a) => a.vload(ymm(0), mem(rax)),
  "vmovups ymm15, YMMWORD PTR [r13+64]": (a) => a.vload(ymm(15), mem(r13, 64)),
  "vmovups ymm7, YMMWORD PTR [r9+100]": (a) => a.vload(ymm(7), mem(r9, 100)),
  "vmovups ymm5, YMMWORD PTR [rsi+r12*8-64]": (a) => a.vload(ymm(5), mem(rsi, -64, { register: r12, scale: 8 })),
  "vmovups ymm6, YMMWORD PTR [rbx+r12*1+4096]": (a) => a.vload(ymm(6), mem(rbx, 4096, { register: r12, scale: 1 })),
  "vmovups ymm3, YMMWORD PTR [r14+rsi*1]": (a) => a.vload(ymm(3), mem(r14, 0, { register: rsi, scale: 1 })),
  "vmovups ymm2, YMMWORD PTR [rip+12]": behindLabel((a, label) => a.vload(ymm(2), mem(label, 12))),
  "vmovups YMMWORD PTR [rdi+8128], ymm10": (a) => a.vstore(mem(rdi, 8128), ymm(10)),
  "vmovups YMMWORD PTR [r8], ymm1": (a) => a.vstore(mem(r8), ymm(1)),
  "vmovss DWORD PTR [r9], xmm12": (a) => storeFirst(a, 1),
  "vmovups XMMWORD PTR [r9], xmm12": (a) => storeFirst(a, 4),
  "vmovaps ymm3, ymm4": (a) => a.vcopy(ymm(3), ymm(4)),
  "vbroadcastss ymm14, DWORD PTR [rax+508]": (a) => a.vbroadcast(ymm(14), mem(rax, 508)),
  "vbroadcastss ymm1, DWORD PTR [r12+6144]": (a) => a.vbroadcast(ymm(1), mem(r12, 6144)),
  "vpxor ymm9, ymm9, ymm9": (a) => a.vzero(ymm(9)),
  "vaddps ymm1, ymm2, ymm3": (a) => a.binary("vaddps", ymm(1), ymm(2), ymm(3)),
  "vaddps ymm11, ymm11, ymm12": (a) => a.binary("vaddps", ymm(11), ymm(11), ymm(12)),
  "vsubps ymm8, ymm8, YMMWORD PTR [rbx+64]": (a) => a.binary("vsubps", ymm(8), ymm(8), mem(rbx, 64)),
  "vmulps ymm4, ymm13, YMMWORD PTR [r15+32]": (a) => a.binary("vmulps", ymm(4), ymm(13), mem(r15, 32)),
  "vdivps ymm7, ymm7, ymm14": (a) => a.binary("vdivps", ymm(7), ymm(7), ymm(14)),
  "vmaxps ymm0, ymm1, ymm15": (a) => a.binary("vmaxps", ymm(0), ymm(1), ymm(15)),
  "vminps ymm12, ymm1, ymm5": (a) => a.binary("vminps", ymm(12), ymm(1), ymm(5)),
  "vpand ymm3, ymm8, YMMWORD PTR [rip+64]": behindLabel((a, label) =>
    a.binary("vpandd", ymm(3), ymm(8), mem(label, 64)),
  ),
  "vpor ymm3, ymm8, ymm5": (a) => a.binary("vpord", ymm(3), ymm(8), ymm(5)),
  "vpaddd ymm3, ymm8, ymm5": (a) => a.binary("vpaddd", ymm(3), ymm(8), ymm(5)),
  "vpsubd ymm3, ymm8, ymm15": (a) => a.binary("vpsubd", ymm(3), ymm(8), ymm(15)),
  "vpslld ymm3, ymm8, 23": (a) => a.shift("vpslld", ymm(3), ymm(8), 23),
  "vpsrad ymm12, ymm15, 1": (a) => a.shift("vpsrad", ymm(12), ymm(15), 1),
  "vcvtps2dq ymm12, ymm5": (a) => a.unary("vcvtps2dq", ymm(12), ymm(5)),
  "vfmadd231ps ymm11, ymm12, ymm14": (a) => a.binary("vfmadd231ps", ymm(11), ymm(12), ymm(14)),
  "vfmadd231ps ymm5, ymm6, YMMWORD PTR [rsp+192]": (a) => a.binary("vfmadd231ps", ymm(5), ymm(6), mem(rsp, 192)),
  "vfmadd213ps ymm5, ymm6, YMMWORD PTR [r15+96]": (a) => a.binary("vfmadd213ps", ymm(5), ymm(6), mem(r15, 96)),
  "vfnmadd231ps ymm12, ymm13, ymm14": (a) => a.binary("vfnmadd231ps", ymm(12), ymm(13), ymm(14)),
  "vunpcklps ymm8, ymm0, ymm1": (a) => a.binary("vunpcklps", ymm(8), ymm(0), ymm(1)),
  "vunpckhps ymm9, ymm2, ymm3": (a) => a.binary("vunpckhps", ymm(9), ymm(2), ymm(3)),
  "vunpcklpd ymm0, ymm8, ymm10": (a) => a.binary("vunpcklpd", ymm(0), ymm(8), ymm(10)),
  "vunpckhpd ymm1, ymm9, ymm15": (a) => a.binary("vunpckhpd", ymm(1), ymm(9), ymm(15)),
  "vperm2f128 ymm10, ymm4, ymm12, 0x31": (a) => a.pickLanes(ymm(10), ymm(4), ymm(12), 0x31),
  "vshufps ymm11, ymm5, ymm13, 0x4e": (a) => a.shuffleInLanes(ymm(11), ymm(5), ymm(13), 0x4e),
  "vsqrtps ymm9, ymm2": (a) => a.unary("vsqrtps", ymm(9), ymm(2)),
  "vsqrtps ymm9, YMMWORD PTR [r10+256]": (a) => a.unary("vsqrtps", ymm(9), mem(r10, 256)),
  "vroundps ymm13, ymm6, 8": (a) => a.round(ymm(13), ymm(6)),
};

/** Instructions that the assembler writes together. */
const narrowSequences: readonly { readonly texts: readonly string[]; readonly emit: (asm: Assembler) => void }[] = [
  { texts: ["vmovd xmm1, edx", "vbroadcastss ymm1, xmm1"], emit: (a) => a.vrepeat(ymm(1), rdx) },
  {
    texts: ["vmovups ymm6, YMMWORD PTR [rip+20]", "vmaskmovps ymm6, ymm6, YMMWORD PTR [rcx-128]"],
    emit: behindLabel((a, label) => a.vload(ymm(6), mem(rcx, -128), { mask: lanesAt(3, label, 14) })),
  },
  {
    texts: [
      "vmovups XMMWORD PTR [r9], xmm12",
      "vperm2f128 ymm3, ymm12, ymm12, 0x11",
      "vmovlps QWORD PTR [r9+16], xmm3",
      "vshufps ymm3, ymm3, ymm3, 0x4e",
      "vmovss DWORD PTR [r9+24], xmm3",
    ],
    emit: (a) => storeFirst(a, 7),
  },
];

function storeFirst(asm: Assembler, count: number): void {
  asm.vstore(mem(r9), ymm(12), { mask: lanesAt(count, new Label(), 0), through: ymm(3) });
}

/** Binds a label right behind what is written. */
function behindLabel(emit: (asm: Assembler, label: Label) => void): (asm: Assembler) => void {
  return (asm) => {
    const label = new Label();
    emit(asm, label);
    asm.bind(label);
  };
}

function lanesAt(count: number, label: Label, displacement: number): Mask {
  return { kind: "lanes", count, at: mem(label, displacement), lowest: mem(label) };
}

function bytesOf(emit: (asm: Assembler) => void, isa = avx512): string {
  const asm = new Assembler(isa);
  emit(asm);
  return Buffer.from(asm.finish()).toString("hex");
}

describe("assembler", () => {
  it("writes the bytes that GNU as writes", () => {
    const golden = readGolden<Record<string, string>>("native/assembler");
    const texts = [
      ...Object.keys(instructions),
      ...Object.keys(narrowInstructions),
      ...narrowSequences.flatMap((sequence) => sequence.texts),
    ];
    assert.deepEqual([...new Set(texts)].sort(), Object.keys(golden).sort());
    for (const [text, emit] of Object.entries(instructions)) assert.equal(bytesOf(emit), golden[text], text);
    for (const [text, emit] of Object.entries(narrowInstructions))
      assert.equal(bytesOf(emit, avx2), golden[text], text);
    for (const sequence of narrowSequences)
      assert.equal(bytesOf(sequence.emit, avx2), sequence.texts.map((text) => golden[text]).join(""));
  });

  it("jumps forwards, backwards and to itself by the distance from the jump's end", () => {
    const jumps = bytesOf((a) => {
      const [start, end] = [new Label(), new Label()];
      a.bind(start);
      a.jump(end, "equal");
      a.call(start);
      a.jump(start);
      a.bind(end);
      a.address(rax, end);
    });
    assert.equal(jumps, "0f840a000000e8f5ffffffe9f0ffffff488d05f9ffffff");
  });

  it("refuses code that jumps nowhere, and numbers that do not fit", () => {
    assert.throws(() => bytesOf((a) => a.jump(new Label())), /label/);
    assert.throws(() => bytesOf((a) => a.addImm(rcx, 2 ** 33)), /32 bits/);
    assert.throws(() => bytesOf((a) => a.loop(r14, 0, () => {})), /once/);
  });
});
