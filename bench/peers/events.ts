/**
 * What passes between the benchmark and the process that watches a system, and how both read lines.
 *
 * @module
 */
import type { ThreadTimes } from "./process_tree.ts";

/** A system to run. */
export interface WatchedCommand {
  readonly program: string;
  readonly args: readonly string[];
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Seconds after which it is ended. */
  readonly limit: number;
}

/** What was seen of it; `at` is in milliseconds since its start. */
export type WatchEvent =
  /** A line of the guest that is none of the benchmark's. */
  | { readonly kind: "text"; readonly at: number; readonly text: string }
  /** A line that begins with `@@`, the CPU time of each thread in nanoseconds, and that of all processes in milliseconds. */
  | {
    readonly kind: "marker";
    readonly at: number;
    readonly text: string;
    readonly threads: ThreadTimes;
    readonly total: number;
  }
  /** Summed proportional set size in bytes. */
  | { readonly kind: "memory"; readonly at: number; readonly bytes: number }
  /** The time was up. */
  | { readonly kind: "limit"; readonly at: number }
  /** It has ended. */
  | { readonly kind: "end"; readonly at: number; readonly code: number; readonly errors: string };

/** The lines of a stream of text, as they come. A serial line's carriage returns are taken off; so is a last line without an end. */
export async function* linesOf(stream: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of stream.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    for (const line of lines) yield line.replace(/\r+$/, "");
  }
}
