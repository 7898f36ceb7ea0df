/** A place in the code that jumps lead to and that data are read from; bound once. */
export class Label {
  readonly kind = "label";
  position: number | undefined;
  /** 32-bit distances that wait for the label: where they stand, and what is added to them. */
  readonly waiting: { readonly at: number; readonly plus: number }[] = [];
}
