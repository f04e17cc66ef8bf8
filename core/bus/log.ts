/**
 * The structured log: what every part of Bulkhead reports while it works.
 *
 * @module
 */

/**
 * How grave a record is. `guest`: the guest did something that real hardware would not have liked; common with operating
 * systems that probe, and never a fault of the host.
 */
export type LogLevel = "debug" | "info" | "guest" | "warning" | "error";

/** One record. Plain data, so that it crosses compartments. */
export interface LogRecord {
  /** How grave it is. */
  readonly level: LogLevel;
  /** Who says so: a device's name in its machine, or a part of the core. */
  readonly source: string;
  /** One line, without the source. */
  readonly message: string;
  /** Virtual nanoseconds, where a machine's clock was at hand. */
  readonly time?: number;
  /** Numbers and words that a program may want to read. */
  readonly fields?: Readonly<Record<string, number | string | boolean>>;
}

/** Where records go. */
export type LogSink = (record: LogRecord) => void;
