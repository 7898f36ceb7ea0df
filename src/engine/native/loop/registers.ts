import { type Vector, vector } from "../asm/registers.ts";

/** Thrown when a loop needs more registers than there are. */
export class OutOfRegisters extends Error {
  override readonly name = "OutOfRegisters";
}

/** Vector registers, taken and given back. */
export class VectorPool {
  private readonly unused: Vector[];

  constructor(size: number) {
    this.unused = Array.from({ length: size }, (_, code) => vector(code)).reverse();
  }

  /** @throws OutOfRegisters */
  take(): Vector {
    const register = this.unused.pop();
    if (register === undefined) throw new OutOfRegisters("a loop needs too many vectors at once");
    return register;
  }

  give(register: Vector): void {
    this.unused.push(register);
  }

  withTemporaries(count: number, use: (...temporaries: Vector[]) => void): void {
    const taken = Array.from({ length: count }, () => this.take());
    use(...taken);
    taken.forEach((register) => {
      this.give(register);
    });
  }
}
