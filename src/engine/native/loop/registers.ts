import { type Zmm, zmm } from "../asm/registers.ts";

const NUM_VECTORS = 32;

/** Thrown when a loop needs more registers than there are. */
export class OutOfRegisters extends Error {
  override readonly name = "OutOfRegisters";
}

/** Vector registers, taken and given back. */
export class VectorPool {
  private readonly unused = Array.from({ length: NUM_VECTORS }, (_, code) => zmm(code)).reverse();

  /** @throws OutOfRegisters */
  take(): Zmm {
    const register = this.unused.pop();
    if (register === undefined) throw new OutOfRegisters("a loop needs too many vectors at once");
    return register;
  }

  give(register: Zmm): void {
    this.unused.push(register);
  }

  withTemporaries(count: number, use: (...temporaries: Zmm[]) => void): void {
    const taken = Array.from({ length: count }, () => this.take());
    use(...taken);
    taken.forEach((register) => {
      this.give(register);
    });
  }
}
