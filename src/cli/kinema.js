#!/usr/bin/env node
// The command `kinema`. In a checkout it runs the sources, so that what one edits is what runs; in an installed
// package, which has no sources, it runs the built program.
import { existsSync } from "node:fs";

if (existsSync(new URL("./main.ts", import.meta.url))) {
  const { register } = await import("tsx/esm/api");
  register();
  await import("./main.ts");
} else {
  await import("../../dist/cli/main.js");
}
