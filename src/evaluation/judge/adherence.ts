import type { Scene, SceneObject } from "../../data/shapes/scene.ts";
import type { ObjectReading, Reading } from "./reading.ts";

/** What of a scene a clip shows; undefined where the scene says nothing of it. */
export interface Adherence {
  readonly colour: boolean;
  readonly shape: boolean;
  readonly motion: boolean | undefined;
  readonly size: boolean | undefined;
  readonly count: boolean;
  /** Where two objects are to each other. */
  readonly relation: boolean | undefined;
  /** Whether what passes behind a bar went out of sight and came back the same. */
  readonly identity: boolean | undefined;
  /** Everything that the scene says. */
  readonly all: boolean;
}

/** Compares what the judge reads with what a caption told. With two objects, each attribute must hold for both. */
export function adherence(scene: Scene, reading: Reading): Adherence {
  const pairs = matched(scene.objects, reading.objects);
  const holds = (test: (wanted: SceneObject, read: ObjectReading) => boolean): boolean =>
    pairs.length > 0 && pairs.every(({ wanted, read }) => read !== undefined && test(wanted, read));
  const told = scene.objects.some(({ size }) => size !== undefined);
  const parts = {
    colour: holds(({ colour }, read) => read.colour.value === colour),
    shape: holds(({ form }, read) => read.form.value === form),
    motion: scene.frames === 1 ? undefined : holds(({ motion }, read) => read.motion?.value === motion),
    size: told ? holds(({ size }, read) => size === undefined || read.size.value === size) : undefined,
    count: reading.count.value === scene.objects.length,
    relation: scene.relation === undefined ? undefined : relationHolds(scene, pairs),
    identity: scene.bar === undefined ? undefined : holds((_, read) => read.keepsIdentity?.value === true),
  };
  return { ...parts, all: Object.values(parts).every((part) => part !== false) };
}

interface Match {
  readonly wanted: SceneObject;
  readonly read: ObjectReading | undefined;
}

/** Objects go together by colour; what is left by size, largest first. */
function matched(wanted: readonly SceneObject[], read: readonly ObjectReading[]): Match[] {
  const free = [...read];
  const take = (found: ObjectReading | undefined): ObjectReading | undefined => {
    if (found !== undefined) free.splice(free.indexOf(found), 1);
    return found;
  };
  const byColour = wanted.map((object) => take(free.find(({ colour }) => colour.value === object.colour)));
  return wanted.map((object, i) => ({ wanted: object, read: byColour[i] ?? take(free[0]) }));
}

function relationHolds({ relation }: Scene, [one, other]: readonly Match[]): boolean {
  if (one?.read === undefined || other?.read === undefined) return false;
  const [dx, dy] = [other.read.x - one.read.x, other.read.y - one.read.y];
  const ways = { above: dy, below: -dy, "left of": dx, "right of": -dx };
  return relation !== undefined && ways[relation] > 0;
}
