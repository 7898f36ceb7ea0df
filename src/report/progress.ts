/** One line that tells how far long work has come. No method ever throws. */
export interface Progress {
  /** Says how much is done, and figures to show beside it, such as `loss 0.123`. Cheap enough to call at every step. */
  update(done: number, text?: string): void;
  /** Writes a line of its own above the progress line. */
  log(line: string): void;
  /** Shows the last state for good and ends the line. Later calls do nothing. */
  stop(text?: string): void;
}

/** What a progress line needs of a stream; `process.stderr` is one. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
}

export interface ProgressOptions {
  /** Where to write: standard error by default, so that standard output stays free for results. */
  readonly stream?: ProgressStream;
  /** What was done before this run, of which the rate must know nothing. */
  readonly start?: number;
  /** Least time between two plain lines where there is no terminal. */
  readonly plainEveryMs?: number;
  /** A clock in milliseconds. */
  readonly now?: () => number;
}

const redrawEveryMs = 100;
/** The rate looks back about this long. */
const rateWindowMs = 15_000;
const barWidth = 24;
const clearLine = "\r\x1b[2K";
const guardedStreams = new WeakSet<ProgressStream>();

/** Starts a progress line: redrawn in place on a terminal, plain lines now and then elsewhere. */
export function createProgress(title: string, total: number, options: ProgressOptions = {}): Progress {
  const stream = options.stream ?? process.stderr;
  if (!guardedStreams.has(stream)) {
    guardedStreams.add(stream);
    stream.on("error", ignore);
  }
  return new ProgressLine(title, total, stream, options);
}

class ProgressLine implements Progress {
  private readonly title: string;
  private readonly total: number;
  private readonly stream: ProgressStream;
  private readonly now: () => number;
  private readonly everyMs: number;
  private readonly rate: Rate;
  private done: number;
  private text = "";
  private drawnAtMs: number;
  private isStopped = false;

  constructor(title: string, total: number, stream: ProgressStream, options: ProgressOptions) {
    this.title = title;
    this.total = total;
    this.stream = stream;
    this.now = options.now ?? performance.now.bind(performance);
    this.everyMs = stream.isTTY === true ? redrawEveryMs : (options.plainEveryMs ?? 10_000);
    this.done = options.start ?? 0;
    this.rate = new Rate(this.done, this.now());
    this.drawnAtMs = stream.isTTY === true ? Number.NEGATIVE_INFINITY : this.now();
  }

  update(done: number, text?: string): void {
    if (this.isStopped) return;
    const now = this.now();
    this.done = done;
    if (text !== undefined) this.text = oneLine(text);
    this.rate.add(done, now);
    if (now - this.drawnAtMs < this.everyMs) return;
    this.drawnAtMs = now;
    this.write(this.stream.isTTY === true ? clearLine + this.drawn() : `${this.line()}\n`);
  }

  log(line: string): void {
    const isDrawn = this.stream.isTTY === true && !this.isStopped && this.drawnAtMs > Number.NEGATIVE_INFINITY;
    this.write(isDrawn ? `${clearLine}${line}\n${this.drawn()}` : `${line}\n`);
  }

  stop(text?: string): void {
    if (this.isStopped) return;
    this.isStopped = true;
    if (text !== undefined) this.text = oneLine(text);
    this.write(`${this.stream.isTTY === true ? clearLine + this.drawn() : this.line()}\n`);
  }

  /** The line as a terminal shows it, cut to its width. */
  private drawn(): string {
    const filled = Math.round(barWidth * this.fraction());
    const bar = `${"━".repeat(filled)}${"─".repeat(barWidth - filled)}`;
    return this.line(bar).slice(0, Math.max(20, (this.stream.columns ?? 80) - 1));
  }

  private line(bar?: string): string {
    const perSecond = this.rate.perSecond();
    const leftSeconds = this.isStopped ? this.rate.seconds(this.now()) : (this.total - this.done) / perSecond;
    const time = Number.isFinite(leftSeconds) ? `${this.isStopped ? "took" : "ETA"} ${duration(leftSeconds)}` : "";
    const speed = perSecond > 0 ? `${figure(perSecond)}/s` : "";
    const counts = `${this.done}/${this.total}`;
    const percent = `${Math.floor(100 * this.fraction())}%`;
    return [this.title, bar, percent, counts, speed, time, this.text].filter(Boolean).join("  ");
  }

  private fraction(): number {
    const fraction = this.total > 0 ? this.done / this.total : 1;
    return Number.isFinite(fraction) ? Math.min(1, Math.max(0, fraction)) : 0;
  }

  /** A progress line is never worth failing for. */
  private write(text: string): void {
    try {
      this.stream.write(text);
    } catch {
      this.isStopped = true;
    }
  }
}

/** Work a second over about the last `rateWindowMs`: sums of work and time that both fade alike. */
class Rate {
  private readonly startMs: number;
  private lastDone: number;
  private lastMs: number;
  private work = 0;
  private ms = 0;

  constructor(done: number, nowMs: number) {
    this.startMs = nowMs;
    this.lastDone = done;
    this.lastMs = nowMs;
  }

  add(done: number, nowMs: number): void {
    const elapsedMs = nowMs - this.lastMs;
    const fade = Math.exp(-elapsedMs / rateWindowMs);
    this.work = this.work * fade + (done - this.lastDone);
    this.ms = this.ms * fade + elapsedMs;
    this.lastDone = done;
    this.lastMs = nowMs;
  }

  perSecond(): number {
    return this.ms > 0 ? Math.max(0, (1000 * this.work) / this.ms) : 0;
  }

  seconds(nowMs: number): number {
    return (nowMs - this.startMs) / 1000;
  }
}

/** `0:07`, `12:34`, `3:02:01`. */
function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const shown = parts[0] === 0 ? parts.slice(1) : parts;
  return shown.map((part, i) => (i === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}

/** Three digits that matter: `0.123`, `12.3`, `1230`. */
function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim();
}

function ignore(): void {
  // Nobody reads standard error any more: nothing to tell, and nobody to tell it to.
}
