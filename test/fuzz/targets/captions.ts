import { parseCaptions } from "../../../src/data/ingest/captions.ts";
import { mutations } from "../mutations.ts";
import type { FuzzTarget } from "../target.ts";

const seeds = [
  'file,caption\na.mp4,a red ball\nb/c.gif,"a ""round"", blue\nball"\n',
  '\ufeffid,file,caption\r\n1,a.mp4,"x"\r\n\r\n2,b.mp4,\r\n',
];
const tokens = ['"', '""', ",", "\r", "\n", "\r\n", "file,caption\n", "__proto__", "../", "\0", "\ufeff", '"\n"'];

/** captions.csv of a folder of videos. */
export function openCaptions(): FuzzTarget {
  return {
    name: "captions",
    runs: 100_000,
    slice: 5000,
    inputs: mutations(
      seeds.map((text) => Buffer.from(text)),
      tokens,
    ),
    read: (bytes) => parseCaptions(Buffer.from(bytes).toString(), "captions.csv"),
  };
}
