/**
 * The thread in which `tools/fuzz.ts` runs programs: one that does not end must not take the watch with it.
 *
 * @module
 */
import { cut, Fuzzer, long, report } from "../core/engine/fuzz/fuzzer.ts";

/** What the worker is to do. */
export interface FuzzTask {
  /** The first seed. */
  readonly first: number;
  readonly cases: number;
  readonly seconds: number;
  /** Differences after which it ends. */
  readonly findings: number;
  /** For the translator; undefined: there is none. */
  readonly after: number | undefined;
  /** The seed that runs, and a number that changes with each run. */
  readonly beat: Int32Array<SharedArrayBuffer>;
}

/** What it tells: how far it is, a difference, the end. */
export interface FuzzNews {
  readonly kind: "progress" | "finding" | "end";
  readonly text: string;
  readonly findings: number;
}

/** What a worker's global object has that a page's has not. */
interface WorkerScope {
  onmessage: (event: MessageEvent<FuzzTask>) => void;
  postMessage(news: FuzzNews): void;
}

const scope = globalThis as unknown as WorkerScope;

/** Milliseconds between two words of progress. */
const INTERVAL = 500;

function work({ first, cases, seconds, findings: most, after, beat }: FuzzTask): void {
  const fuzzer = after === undefined ? new Fuzzer(long(), cut("short")) : new Fuzzer(long(), cut("mixed", { after }));
  fuzzer.started = () => Atomics.add(beat, 1, 1);
  const begin = performance.now();
  let findings = 0, told = begin;
  const tell = (kind: FuzzNews["kind"], text: string) => scope.postMessage({ kind, text, findings });
  const summary = () => {
    const elapsed = (performance.now() - begin) / 1000;
    const { cases, instructions, translated } = fuzzer;
    const share = translated === undefined ? "" : `, ${translated.toFixed(1)} % translated`;
    const each = Math.round(instructions / Math.max(1, cases));
    return `${cases} programs in ${elapsed.toFixed(1)} s, ${
      (cases / elapsed).toFixed(1)
    } a second, ${each} instructions each${share}; ${findings} differed`;
  };
  for (let seed = first; fuzzer.cases < cases && findings < most; seed++) {
    const now = performance.now();
    if (now - begin >= seconds * 1000) break;
    if (now - told > INTERVAL) {
      told = now;
      tell("progress", summary());
    }
    Atomics.store(beat, 0, seed);
    const finding = fuzzer.run(seed);
    if (finding === undefined) continue;
    findings++;
    tell("finding", report(finding));
  }
  tell("end", `Seeds from ${first}: ${summary()}.`);
}

scope.onmessage = ({ data }) => work(data);
