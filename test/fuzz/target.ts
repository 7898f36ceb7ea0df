import type { Arbitrary } from "fast-check";

/** A reader of files from strangers, and inputs to try it with. */
export interface FuzzTarget {
  readonly name: string;
  /** Runs of a full trial. */
  readonly runs: number;
  /** Runs of the slice that the test suite takes. */
  readonly slice: number;
  readonly inputs: Arbitrary<Uint8Array>;
  /** Most processor time that one input may take, in milliseconds. Default: 1000. */
  readonly maxMs?: number;
  /** Reads one input. Returns when it is accepted. @throws UserError of one line when it is refused. */
  read(input: Uint8Array): unknown;
  /** Ends what the target started. */
  close?(): Promise<void>;
}

/** Makes a target ready. @param scratch an empty folder of its own. */
export type OpenTarget = (scratch: string) => FuzzTarget | Promise<FuzzTarget>;
