import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Assembler } from "../../../src/engine/native/asm/assembler.ts";
import { rax, rdi } from "../../../src/engine/native/asm/registers.ts";
import { placeCode, placeData } from "../../../src/engine/native/executableMemory.ts";
import { foreign } from "../../../src/engine/native/foreign.ts";
import { whyNoKernels } from "../../../src/engine/native/support.ts";

/** Access rights of the mapping that holds an address, as the kernel tells: `r-xp`. */
function rightsAt(address: bigint): string | undefined {
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const [, from = "0", to = "0", rights] = /^([0-9a-f]+)-([0-9a-f]+) (\S+)/.exec(line) ?? [];
    if (address >= BigInt(`0x${from}`) && address < BigInt(`0x${to}`)) return rights;
  }
  return undefined;
}

describe("executable memory", () => {
  before(function () {
    if (whyNoKernels() !== undefined) this.skip();
  });

  it("runs what was written, and cannot be written any more", () => {
    const asm = new Assembler();
    asm.lea(rax, { kind: "mem", base: rdi, displacement: 5, index: { register: rdi, scale: 4 } });
    asm.ret();
    const code = placeCode(asm.finish());
    const five = foreign.decode(code, foreign.proto("int64_t (int64_t x)"));
    assert.equal(Number(five(8)), 45);
    assert.equal(rightsAt(code), "r-xp");
  });

  it("keeps data apart from code, aligned, and as they were given", () => {
    const [first, second] = [placeData(Uint8Array.of(1, 2, 3)), placeData(new Uint8Array(300_000).fill(7))];
    assert.equal(rightsAt(first), "rw-p");
    assert.equal(first % 64n, 0n);
    assert.deepEqual([...foreign.decode(first, "uint8_t", 3)], [1, 2, 3]);
    assert.equal(foreign.decode(second, 299_999, "uint8_t"), 7);
  });
});
