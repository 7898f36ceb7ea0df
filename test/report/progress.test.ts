import assert from "node:assert/strict";
import { createProgress, type ProgressStream } from "../../src/report/progress.ts";

/** A stream that keeps what is written, and a clock that moves by hand. */
function harness(isTTY: boolean, columns = 200) {
  let written = "";
  let ms = 0;
  const stream: ProgressStream = {
    isTTY,
    columns,
    write: (text) => {
      written += text;
    },
    on: () => {},
  };
  const take = () => {
    const text = written;
    written = "";
    return text;
  };
  const wait = (byMs: number) => {
    ms += byMs;
  };
  return { stream, take, now: () => ms, wait };
}

describe("progress", () => {
  it("redraws one line on a terminal, at most ten times a second", () => {
    const { stream, take, now, wait } = harness(true);
    const progress = createProgress("train", 200, { stream, now });
    for (let step = 1; step <= 100; step += 1) {
      wait(50);
      progress.update(step, `loss ${step}`);
    }
    const frames = take().split("\r\x1b[2K").slice(1);
    assert.equal(frames.length, 50);
    assert.equal(frames.at(-1), "train  ━━━━━━━━━━━━────────────  49%  99/200  20.0/s  ETA 0:05  loss 99");
    assert(frames.every((frame) => !frame.includes("\n")));
    progress.stop("done");
    assert.equal(take(), "\r\x1b[2Ktrain  ━━━━━━━━━━━━────────────  50%  100/200  20.0/s  took 0:05  done\n");
    progress.update(150);
    progress.stop();
    assert.equal(take(), "");
  });

  it("writes plain lines now and then where there is no terminal", () => {
    const { stream, take, now, wait } = harness(false);
    const progress = createProgress("ingest", 1000, { stream, now, plainEveryMs: 5000 });
    for (let step = 1; step <= 120; step += 1) {
      wait(100);
      progress.update(step);
    }
    progress.stop();
    const lines = ["ingest  5%  50/1000  10.0/s  ETA 1:35", "ingest  10%  100/1000  10.0/s  ETA 1:30"];
    assert.deepEqual(take().split("\n"), [...lines, "ingest  12%  120/1000  10.0/s  took 0:12", ""]);
  });

  it("does not count the work of an earlier run, and follows a change of speed", () => {
    const { stream, take, now, wait } = harness(false);
    const progress = createProgress("train", 10_000, { stream, now, start: 5000, plainEveryMs: 0 });
    wait(1000);
    progress.update(5010);
    assert.match(take(), / 10\.0\/s /);
    for (let step = 1; step <= 60; step += 1) {
      wait(1000);
      progress.update(5010 + 2 * step);
    }
    const rate = Number(/([\d.]+)\/s/.exec(take().trim().split("\n").at(-1) ?? "")?.[1]);
    assert(Math.abs(rate - 2) < 0.1, String(rate));
  });

  it("keeps log lines above, cuts to the terminal's width, and takes odd numbers", () => {
    const { stream, take, now, wait } = harness(true, 40);
    const progress = createProgress("t", 0, { stream, now });
    progress.log("before");
    assert.equal(take(), "before\n");
    progress.update(Number.NaN, "a\nb".repeat(50));
    const frame = take().replace("\r\x1b[2K", "");
    assert.equal(frame.length, 39);
    wait(200);
    progress.log("saved");
    assert(take().startsWith("\r\x1b[2Ksaved\nt  "));
  });

  it("never throws, whatever the stream does", () => {
    const stream: ProgressStream = {
      isTTY: true,
      write: () => {
        throw new Error("EPIPE");
      },
      on: () => {},
    };
    const progress = createProgress("t", 5, { stream });
    progress.update(1);
    progress.log("x");
    progress.stop();
  });
});
