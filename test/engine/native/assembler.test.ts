import assert from "node:assert/strict";
import { Assembler } from "../../../src/engine/native/asm/assembler.ts";
import { Label } from "../../../src/engine/native/asm/bytes.ts";
import {
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
  zmm,
} from "../../../src/engine/native/asm/registers.ts";
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

function bytesOf(emit: (asm: Assembler) => void): string {
  const asm = new Assembler();
  emit(asm);
  return Buffer.from(asm.finish()).toString("hex");
}

describe("assembler", () => {
  it("writes the bytes that GNU as writes", () => {
    const golden = readGolden<Record<string, string>>("native/assembler");
    assert.deepEqual(Object.keys(instructions).sort(), Object.keys(golden).sort());
    for (const [text, emit] of Object.entries(instructions)) assert.equal(bytesOf(emit), golden[text], text);
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
