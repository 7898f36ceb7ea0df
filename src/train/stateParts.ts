import type { HostTensor } from "../base/tensors.ts";
import type { DeviceTensor, Engine } from "../engine/engine.ts";
import type { FlatLayout, Slot, UpdateGroup } from "./flatState.ts";
import type { StateBuffer } from "./stateBuffer.ts";

/** Floats that one run in host memory works on: small enough for the cache, large enough to hide the call. */
const CHUNK_FLOATS = 1024 * 1024;

/** What one run of an elementwise program covers of state buffers: pieces that share their weight decay. */
export interface StatePart {
  readonly decayed: boolean;
  /** Shape of each piece. */
  readonly shapes: readonly (readonly number[])[];
  /** The pieces of a buffer. */
  of(buffer: StateBuffer): readonly (HostTensor | DeviceTensor)[];
}

/**
 * How elementwise programs go over state buffers. In host memory: chunk by chunk of the flat buffers. On a device,
 * where each call costs more than it computes: all parameters of a decay group in one run.
 */
export function statePartsOf(
  engine: Engine,
  layout: FlatLayout,
  groups: readonly UpdateGroup[] = layout.groups,
): StatePart[] {
  return engine.memory === "host" ? [...chunksOf(groups)] : groupsOf(layout, groups);
}

/** The matrices of a group in their shapes: in host memory one by one, on a device all in one run. */
export function matricesOf(engine: Engine, layout: FlatLayout, group: UpdateGroup): StatePart[] {
  if (engine.memory !== "host") return groupsOf(layout, [group]);
  return slotsOf(layout, group).map(({ shape, offset, size }) => ({
    decayed: group.decayed,
    shapes: [shape],
    of: (buffer) => [{ ...buffer.stretch(offset, offset + size), shape }],
  }));
}

function* chunksOf(groups: readonly UpdateGroup[]): Generator<StatePart> {
  for (const { start, end, decayed } of groups) {
    for (let at = start; at < end; at += CHUNK_FLOATS) {
      const last = Math.min(end, at + CHUNK_FLOATS);
      yield { decayed, shapes: [[last - at]], of: (buffer) => [buffer.stretch(at, last)] };
    }
  }
}

function groupsOf(layout: FlatLayout, groups: readonly UpdateGroup[]): StatePart[] {
  return groups.map((group) => {
    const slots = slotsOf(layout, group);
    return {
      decayed: group.decayed,
      shapes: slots.map(({ shape }) => shape),
      of: (buffer) => slots.map(({ path }) => buffer.tensor(path)),
    };
  });
}

function slotsOf(layout: FlatLayout, { start, end }: UpdateGroup): readonly Slot[] {
  return layout.slots.filter(({ offset }) => offset >= start && offset < end);
}
