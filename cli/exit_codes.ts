/**
 * The exit codes of the command line, and which end of a run has which.
 *
 * The exit port's codes `(v << 1) | 1` are odd, so ends of a run that this project is free to number are even.
 *
 * @module
 */
import type { ExitReport } from "../core/machine/report.ts";

/** Exit codes. */
export const EXIT = {
  /** The guest powered off, or reset the machine under --no-reboot; a script or the user ended the run; a command did its work. */
  OK: 0,
  /** The command line, a file or a definition is not right. */
  BAD_INPUT: 2,
  /** Triple fault. */
  TRIPLE_FAULT: 3,
  /** Halted with interrupts off. */
  HALTED: 4,
  /** The guest used a processor feature that is not built. */
  UNBUILT: 6,
  /** Bulkhead itself failed. */
  FAILED: 8,
  /** The run ended before a script's --expect was met, or so that there was nothing to --save. */
  UNMET: 10,
  /** --timeout. */
  TIMEOUT: 124,
  /** Added to the number of the signal that ended the run. */
  SIGNAL: 128,
} as const;

/** The part of every help text that says what the codes mean. */
export const EXIT_CODE_HELP = `Exit codes:
  0    the guest powered off, or reset the machine under --no-reboot; the script ended with an --expect that was met;
       --stop-at was reached; Ctrl-A X
  2    the command line, a file or a machine definition is not right
  3    triple fault (with CS:EIP and the last exception)
  4    halted with interrupts off, with nothing to wake the processor (likewise)
  6    the guest used a processor feature that is not built (named)
  8    Bulkhead itself failed
  10   the run ended before an --expect was met, or where a machine cannot be saved
  124  --timeout has passed
  129, 130, 143  ended by SIGHUP, SIGINT, SIGTERM
  141  nobody reads the output any more
  (v << 1) | 1  the guest wrote v to the exit port, F4h
`;

/** The exit code of a run. */
export function exitCodeOf(report: ExitReport): number {
  switch (report.reason) {
    case "triple-fault":
      return EXIT.TRIPLE_FAULT;
    case "halted":
      return EXIT.HALTED;
    case "unbuilt":
      return EXIT.UNBUILT;
    case "failed":
      return EXIT.FAILED;
    case "exit-port":
      return report.status ?? EXIT.FAILED;
    case "stopped":
    case "instructions":
    case "script":
      return EXIT.OK;
    case "powered-off":
    case "reset":
      return report.unmet === undefined ? EXIT.OK : EXIT.UNMET;
  }
}
