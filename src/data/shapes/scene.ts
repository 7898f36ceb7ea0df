import type { ClipShape } from "../clip.ts";
import type { Background, Colour, Form, Motion, Relation, Size } from "./grammar.ts";
import { type Path, type Place, placeAt, type Region } from "./path.ts";

/** One object: what it looks like and what it does. */
export interface SceneObject {
  readonly colour: Colour;
  readonly form: Form;
  /** Undefined where captions do not tell sizes. */
  readonly size: Size | undefined;
  readonly motion: Motion;
  readonly path: Path;
}

/** What lies behind the objects. */
export interface Ground {
  readonly background: Background;
  /** Direction in which a gradient brightens, in radians. */
  readonly slope: number;
  /** Side of a pattern's cells and its shift, in pixels. */
  readonly cell: number;
  readonly shift: number;
}

/** What is to be seen in a clip. Drawing it is the raster's work, telling it the caption's. */
export interface Scene extends ClipShape {
  readonly fps: number;
  readonly ground: Ground;
  readonly objects: readonly SceneObject[];
  /** Where the first of two objects is, seen from the second. */
  readonly relation: Relation | undefined;
  /** What the object passes behind. */
  readonly bar: Region | undefined;
}

/** Place of an object in frame `t`. */
export function placeInFrame({ path }: SceneObject, { frames }: Pick<Scene, "frames">, t: number): Place {
  return placeAt(path, frames === 1 ? 0 : t / (frames - 1));
}
