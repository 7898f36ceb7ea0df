"""Assembles instructions with GNU as, for test/engine/native/assembler.test.ts.

python3 test/goldens/native/make_assembler.py   (needs binutils; writes assembler.json beside this file)
"""
import json, pathlib, subprocess, tempfile

INSTRUCTIONS = """
mov eax, 7
mov r9d, 4000000000
movabs r10, 0x123456789abcdef0
mov r12, rax
mov rax, QWORD PTR [rbx]
mov r15, QWORD PTR [rsp+8]
mov QWORD PTR [r13+0], r8
mov QWORD PTR [rbp-4096], rdi
mov DWORD PTR [r8+4], ebx
lea rsi, [r14+r9*4+64]
lea rdi, [rsp]
add rcx, rdx
add r10, QWORD PTR [r11+16]
add rax, 127
add r12, 128
sub rsp, 4096
and rsp, -64
cmp rsi, 3
test rax, rax
imul r11, rsi, 32
push r13
pop rbx
call rax
jmp r9
ret
cpuid
xgetbv
prefetcht0 [rcx+1024]
prefetcht1 [rdi+r9*1+64]
kmovw k1, eax
kmovw k7, r10d
vzeroupper
vmovups zmm0, ZMMWORD PTR [rax]
vmovups zmm31, ZMMWORD PTR [r13+64]
vmovups zmm17, ZMMWORD PTR [r9+100]
vmovups zmm8{k2}{z}, ZMMWORD PTR [rcx-128]
vmovups ZMMWORD PTR [rdi+8128], zmm20
vmovups ZMMWORD PTR [rdi+8192]{k3}, zmm4
vmovups zmm5, ZMMWORD PTR [rsi+r12*8-64]
vmovaps zmm30, zmm9
vmovaps zmm3{k1}, zmm28
vbroadcastss zmm29, DWORD PTR [rax+508]
vbroadcastss zmm1, DWORD PTR [r12+6144]
vpbroadcastd zmm31, edx
vpbroadcastd zmm2, r11d
vpxord zmm19, zmm19, zmm19
vaddps zmm1, zmm2, zmm3
vsubps zmm16, zmm8, ZMMWORD PTR [rbx+64]
vmulps zmm4, zmm30, DWORD PTR [r8+4]{1to16}
vdivps zmm7, zmm7, zmm23
vmaxps zmm0, zmm1, zmm31
vminps zmm24, zmm1, zmm15
vpandd zmm3, zmm18, zmm5
vpord zmm3, zmm18, zmm5
vfmadd231ps zmm27, zmm28, zmm31
vfmadd231ps zmm5, zmm6, ZMMWORD PTR [rsp+192]
vfmadd213ps zmm5{k4}, zmm6, zmm7
vfnmadd231ps zmm12, zmm13, zmm14
vunpcklps zmm16, zmm0, zmm1
vunpckhps zmm17, zmm2, zmm3
vunpcklpd zmm0, zmm16, zmm18
vunpckhpd zmm1, zmm17, zmm31
vshuff32x4 zmm20, zmm4, zmm24, 0xdd
vshufps zmm21, zmm5, zmm25, 0x4e
vscalefps zmm10, zmm11, zmm12
vsqrtps zmm9, zmm22
vsqrtps zmm9, ZMMWORD PTR [r10+256]
vrndscaleps zmm13, zmm6, 8
vmovups ymm0, YMMWORD PTR [rax]
vmovups ymm15, YMMWORD PTR [r13+64]
vmovups ymm7, YMMWORD PTR [r9+100]
vmovups ymm5, YMMWORD PTR [rsi+r12*8-64]
vmovups ymm6, YMMWORD PTR [rbx+r12*1+4096]
vmovups ymm3, YMMWORD PTR [r14+rsi*1]
vmovups ymm2, YMMWORD PTR [rip+12]
vmovups YMMWORD PTR [rdi+8128], ymm10
vmovups YMMWORD PTR [r8], ymm1
vmovss DWORD PTR [r9], xmm12
vmovups XMMWORD PTR [r9], xmm12
vperm2f128 ymm3, ymm12, ymm12, 0x11
vmovlps QWORD PTR [r9+16], xmm3
vshufps ymm3, ymm3, ymm3, 0x4e
vmovss DWORD PTR [r9+24], xmm3
vmovaps ymm3, ymm4
vbroadcastss ymm14, DWORD PTR [rax+508]
vbroadcastss ymm1, DWORD PTR [r12+6144]
vmovd xmm1, edx
vbroadcastss ymm1, xmm1
vpxor ymm9, ymm9, ymm9
vaddps ymm1, ymm2, ymm3
vaddps ymm11, ymm11, ymm12
vsubps ymm8, ymm8, YMMWORD PTR [rbx+64]
vmulps ymm4, ymm13, YMMWORD PTR [r15+32]
vdivps ymm7, ymm7, ymm14
vmaxps ymm0, ymm1, ymm15
vminps ymm12, ymm1, ymm5
vpand ymm3, ymm8, YMMWORD PTR [rip+64]
vpor ymm3, ymm8, ymm5
vpaddd ymm3, ymm8, ymm5
vpsubd ymm3, ymm8, ymm15
vpslld ymm3, ymm8, 23
vpsrad ymm12, ymm15, 1
vcvtps2dq ymm12, ymm5
vfmadd231ps ymm11, ymm12, ymm14
vfmadd231ps ymm5, ymm6, YMMWORD PTR [rsp+192]
vfmadd213ps ymm5, ymm6, YMMWORD PTR [r15+96]
vfnmadd231ps ymm12, ymm13, ymm14
vunpcklps ymm8, ymm0, ymm1
vunpckhps ymm9, ymm2, ymm3
vunpcklpd ymm0, ymm8, ymm10
vunpckhpd ymm1, ymm9, ymm15
vperm2f128 ymm10, ymm4, ymm12, 0x31
vshufps ymm11, ymm5, ymm13, 0x4e
vsqrtps ymm9, ymm2
vsqrtps ymm9, YMMWORD PTR [r10+256]
vroundps ymm13, ymm6, 8
vmovups ymm6, YMMWORD PTR [rip+20]
vmaskmovps ymm6, ymm6, YMMWORD PTR [rcx-128]
""".strip().splitlines()


def assemble(instruction):
    with tempfile.TemporaryDirectory() as folder:
        source, made, raw = (f"{folder}/{name}" for name in ("a.s", "a.o", "a.bin"))
        pathlib.Path(source).write_text(f".intel_syntax noprefix\n{instruction}\n")
        subprocess.run(["as", "--64", source, "-o", made], check=True)
        subprocess.run(["objcopy", "-O", "binary", "-j", ".text", made, raw], check=True)
        return pathlib.Path(raw).read_bytes().hex()


out = pathlib.Path(__file__).with_name("assembler.json")
out.write_text(json.dumps({text: assemble(text) for text in INSTRUCTIONS}, indent=2) + "\n")
