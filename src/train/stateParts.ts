import type { HostTensor } from "../base/tensors.ts";
import { groupBy } from "../data/group.ts";
import type { DeviceTensor, Engine } from "../engine/engine.ts";
import type { FlatLayout, Slot, UpdateGroup } from "./flatState.ts";
import type { StateBuffer } from "./stateBuffer.ts";

/** Floats that one run in host memory works on: small enough for the cache, large enough to hide the call. */
const CHUNK_FLOATS = 1024 * 1024;

/** Runs in flight at once: each alone leaves a core idle between its operations. */
export const NUM_LANES = 2;

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

/**
 * The matrices of a group in their shapes. In host memory: those of one shape are shared out evenly among the runs in
 * flight, since what a small matrix needs is less than what a run costs. On a device: all in one run.
 */
export function matricesOf(engine: Engine, layout: FlatLayout, group: UpdateGroup): StatePart[] {
  if (engine.memory !== "host") return groupsOf(layout, [group]);
  const byShape = groupBy(slotsOf(layout, group), ({ shape }) => String(shape));
  return [...byShape.values()].flatMap(sharesOf).map((slots) => ({
    decayed: group.decayed,
    shapes: slots.map(({ shape }) => shape),
    of: (buffer) => slots.map(({ shape, offset, size }) => ({ ...buffer.stretch(offset, offset + size), shape })),
  }));
}

/** Slots of one shape, in as few runs as keep every lane at work, each of about CHUNK_FLOATS at most. */
function sharesOf(slots: readonly Slot[]): Slot[][] {
  const floats = slots.reduce((sum, { size }) => sum + size, 0);
  const rounds = Math.ceil(floats / (NUM_LANES * CHUNK_FLOATS));
  const each = Math.ceil(slots.length / (rounds * NUM_LANES));
  return Array.from({ length: Math.ceil(slots.length / each) }, (_, i) => slots.slice(i * each, (i + 1) * each));
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
