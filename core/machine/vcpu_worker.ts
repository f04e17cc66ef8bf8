/**
 * The virtual CPU's thread: a Worker without permissions that runs the monitor.
 *
 * Its root module is text that the machine process writes: it imports this module and the board, and calls `serve`. So everything that the
 * thread will ever load is named before it starts, is read with the machine process's rights, and the thread needs none. Plugins come as
 * text.
 *
 * @module
 */
import { BulkheadError } from "../bus/error.ts";
import { encodeFrame, type Frame } from "../sandbox/frame.ts";
import { reclaim } from "../sandbox/reclaim.ts";
import { ByteRing } from "../sandbox/ring.ts";
import { assemble } from "./assembly.ts";
import type { Board } from "./board.ts";
import { Monitor } from "./monitor.ts";
import type { VcpuInit } from "./protocol.ts";

/** What this module uses of the Worker's global scope. */
interface WorkerScope {
  onmessage: ((event: MessageEvent<VcpuInit>) => void) | null;
  close(): void;
}

/**
 * Waits for the machine's parts, then runs it until its owner is gone.
 *
 * @param board The board's module.
 */
export function serve(board: { default: Board }): void {
  const scope = globalThis as unknown as WorkerScope;
  scope.onmessage = ({ data }) => {
    scope.onmessage = null;
    try {
      const monitor = new Monitor(data, (signals, log) => assemble(data, board.default, signals, log));
      // A machine that goes on goes on at once.
      if (data.image === null) reclaim();
      monitor.serve();
    } catch (error) {
      const report = {
        reason: "failed",
        error: BulkheadError.from(error, "the assembly of the machine").toJSON(),
        retired: 0,
        time: 0,
      };
      new ByteRing(data.reports).writeAll(
        encodeFrame({ tell: "exit", body: { report } } as unknown as Frame["header"]),
      );
    }
    scope.close();
  };
}
