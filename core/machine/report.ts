/**
 * Why a machine stopped, and where its processor was.
 *
 * @module
 */
import { BulkheadError, type BulkheadErrorJson } from "../bus/error.ts";

/**
 * Why a run ended.
 *
 * - `powered-off`: the guest turned the machine off.
 * - `reset`: the guest requested a reset, and the definition says that this ends the run.
 * - `halted`: HLT with interrupts off: nothing can wake the processor.
 * - `triple-fault`: an exception could not be delivered three times over (Intel SDM volume 3, 6.15).
 * - `exit-port`: the guest wrote to the exit port; `status` is what it wrote.
 * - `unbuilt`: the guest used a documented feature of the processor that is not built; `feature` names it.
 * - `instructions`: the definition's `stopAt` was reached.
 * - `script`: the definition's script ended with a match.
 * - `stopped`: whoever owns the machine stopped it.
 * - `failed`: Bulkhead itself failed; `error` says how.
 */
export type ExitReason =
  | "powered-off"
  | "reset"
  | "halted"
  | "triple-fault"
  | "exit-port"
  | "unbuilt"
  | "instructions"
  | "script"
  | "stopped"
  | "failed";

/** Ends of a run from which a saved machine goes on. */
export const RESUMABLE: ReadonlySet<ExitReason> = new Set(["script", "instructions", "stopped"]);

/** An exception of the guest's processor. */
export interface ExceptionReport {
  /** Vector, 0 to 31. */
  readonly vector: number;
  /** Error code, or null where the vector has none. */
  readonly error: number | null;
}

/** Where the processor is. */
export interface CpuReport {
  /** Selector in CS. */
  readonly cs: number;
  /** Offset in CS of the instruction that runs next, or that could not. */
  readonly eip: number;
  /** The last exception that was raised, if any was. */
  readonly exception: ExceptionReport | null;
}

/** How a run ended. */
export interface ExitReport {
  /** Why. */
  readonly reason: ExitReason;
  /** What the guest wrote to the exit port. */
  readonly status?: number;
  /** The unbuilt feature, by the name that the processor's manual has for it. */
  readonly feature?: string;
  /** What failed in Bulkhead. */
  readonly error?: BulkheadErrorJson;
  /** The last power-on self-test code that the guest wrote. */
  readonly post?: number;
  /** The pattern that a script still waited for. */
  readonly unmet?: string;
  /** Where the processor was; absent when that is not known any more. */
  readonly cpu?: CpuReport;
  /** Instructions retired since power-on. */
  readonly retired: number;
  /** Virtual nanoseconds since power-on. */
  readonly time: number;
}

/** Mnemonics of the exceptions (Intel SDM volume 3, table 6-1). */
const EXCEPTIONS: Readonly<Record<number, string>> = {
  0: "#DE",
  1: "#DB",
  2: "NMI",
  3: "#BP",
  4: "#OF",
  5: "#BR",
  6: "#UD",
  7: "#NM",
  8: "#DF",
  10: "#TS",
  11: "#NP",
  12: "#SS",
  13: "#GP",
  14: "#PF",
  16: "#MF",
  17: "#AC",
  18: "#MC",
  19: "#XM",
};

/** The mnemonic of an exception. */
export function exceptionName(vector: number): string {
  return EXCEPTIONS[vector] ?? `vector ${vector}`;
}

/** The end of a run as one sentence, without a full stop. */
export function describeExit(report: ExitReport): string {
  const { reason, cpu } = report;
  switch (reason) {
    case "powered-off":
      return "the guest powered the machine off";
    case "reset":
      return "the guest reset the machine";
    case "halted":
      return `the guest halted its processor with interrupts off${place(cpu)}: nothing can wake it${post(report)}`;
    case "triple-fault":
      return `the guest's processor shut down after a triple fault${place(cpu)}${post(report)}`;
    case "exit-port":
      return `the guest ended the run through the exit port with status ${report.status}`;
    case "unbuilt":
      return `the guest used a processor feature that is not built: ${report.feature}${place(cpu)}`;
    case "instructions":
      return `the run reached ${report.retired} instructions${place(cpu)}`;
    case "script":
      return "the script ended";
    case "stopped":
      return "the machine was stopped";
    case "failed":
      return BulkheadError.fromJSON(report.error).message;
  }
}

function place(cpu: CpuReport | undefined): string {
  if (cpu === undefined) return "";
  const at = ` at ${hex(cpu.cs, 4)}:${hex(cpu.eip, 8)}`;
  if (cpu.exception === null) return `${at} (no exception before)`;
  const { vector, error } = cpu.exception;
  const name = exceptionName(vector);
  return `${at} (last exception ${name}${error === null ? "" : `, error code ${hex(error, 4)}h`})`;
}

function post({ post }: ExitReport): string {
  return post === undefined ? "" : `; its last POST code was ${hex(post, 2)}h`;
}

function hex(value: number, digits: number): string {
  return (value >>> 0).toString(16).padStart(digits, "0");
}
