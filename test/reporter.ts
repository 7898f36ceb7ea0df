import Mocha from "mocha";

const { EVENT_SUITE_BEGIN, EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING, EVENT_RUN_END } =
  Mocha.Runner.constants;

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  ms: number;
}

/** How long after the last test the process may live on. */
const LINGER_MS = 30_000;

/**
 * One line for each top-level suite, every failure in full at the end, and as the very last line
 * `N passed, N failed, N skipped`, which .ci/run reads. A run whose process does not end by itself fails: a test has left
 * a thread, a server or a timer behind.
 */
export default class ConciseReporter extends Mocha.reporters.Base {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const all: Tally = { passed: 0, failed: 0, skipped: 0, ms: 0 };
    let suite: Tally = { ...all };
    let title: string | undefined;
    const count = (key: "passed" | "failed" | "skipped", ms = 0) => {
      for (const tally of [all, suite]) {
        tally[key] += 1;
        tally.ms += ms;
      }
    };
    const endSuite = () => {
      if (title !== undefined) console.log(suiteLine(title, suite));
      suite = { passed: 0, failed: 0, skipped: 0, ms: 0 };
    };
    runner.on(EVENT_SUITE_BEGIN, (begun) => {
      if (begun.parent?.root !== true) return;
      endSuite();
      title = begun.title;
    });
    runner.on(EVENT_TEST_PASS, (test) => count("passed", test.duration));
    runner.on(EVENT_TEST_FAIL, (test) => count("failed", test.duration));
    runner.on(EVENT_TEST_PENDING, () => count("skipped"));
    runner.on(EVENT_RUN_END, () => {
      endSuite();
      Mocha.reporters.Base.list(this.failures);
      console.log(`${all.passed} passed, ${all.failed} failed, ${all.skipped} skipped`);
      setTimeout(failLingering, LINGER_MS).unref();
    });
  }
}

function failLingering(): void {
  const left = process.getActiveResourcesInfo().filter((name) => name !== "PipeWrap" && name !== "TTYWrap");
  console.error(`still running ${LINGER_MS / 1000} s after the last test: ${left.join(", ") || "a worker thread"}`);
  process.exit(1);
}

function suiteLine(title: string, { passed, failed, skipped, ms }: Tally): string {
  const mark = failed > 0 ? "FAIL" : "ok  ";
  const others = [failed > 0 && `${failed} failed`, skipped > 0 && `${skipped} skipped`].filter(Boolean);
  return `${mark} ${title}: ${[`${passed} passed`, ...others].join(", ")} (${(ms / 1000).toFixed(1)} s)`;
}
