/**
 * Runs the vectors of one file, whichever format it has.
 *
 * @module
 */
import { BulkheadError } from "../../core/bus/error.ts";
import { type RawVector, readVectors } from "./files.ts";
import { VectorMachine } from "./machine.ts";
import { hex, type Outcome } from "./outcome.ts";
import { runRealMode } from "./real_mode.ts";
import { isOf8086, isRealModeVector } from "./real_mode_format.ts";
import { Ring3Runner } from "./ring3.ts";
import { isRing3Vector } from "./ring3_format.ts";

/** A vector that failed. */
export interface Failure {
  /** Its number in the file, from 1 on. */
  readonly number: number;
  readonly name: string;
  /** Instruction bytes in hexadecimal. */
  readonly bytes: string;
  readonly differences: readonly string[];
}

/** What a file came to. */
export interface FileResult {
  readonly file: string;
  readonly format: string;
  readonly passed: number;
  readonly failures: readonly Failure[];
  /** Excepted vectors by rule, then by opcode. */
  readonly excepted: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Real-mode addresses end below this. */
const REACH = 0x11_0000;

/** How a format is recognised, named and run. */
interface Format {
  readonly name: string;
  matches(raw: RawVector): boolean;
  label(raw: RawVector): { readonly name: string; readonly bytes: string };
  /** Runs one. */
  run(raw: RawVector): Outcome;
  /** Address of a byte that no vector said would change, where the vectors' own checks do not look; it is repaired. */
  stray(): number | undefined;
  /** Begins anew after an internal error. */
  restart(): void;
}

/** Runs files, one machine for each format. */
export class VectorRunner {
  readonly #formats: readonly Format[] = [realModeFormat(), ring3Format()];

  /**
   * Runs a file.
   *
   * @param progress Told now and then how many vectors have run, of how many.
   * @throws {BulkheadError} The file cannot be read, or is not of one format that is known.
   */
  async run(file: string, progress: (done: number, of: number) => void = () => {}): Promise<FileResult> {
    const vectors = await readVectors(file);
    const format = this.#formats.find((format) => format.matches(vectors[0]!));
    if (format === undefined) throw unknownFormat(file, 1);
    const wrong = vectors.findIndex((vector) => !format.matches(vector));
    if (wrong >= 0) throw unknownFormat(file, wrong + 1);
    const outcomes = vectors.map((vector, i) => {
      if (i % 256 === 0) progress(i, vectors.length);
      return runOne(format, vector);
    });
    // A file's vectors are run again, with a search after each, only if one of them left something behind.
    if (format.stray() !== undefined) vectors.forEach((vector, i) => outcomes[i] = strictly(format, vector));
    return tally(file, format, vectors, outcomes);
  }
}

function runOne(format: Format, vector: RawVector): Outcome {
  try {
    return format.run(vector);
  } catch (error) {
    format.restart();
    const text = error instanceof Error ? error.message : String(error);
    return { kind: "failed", differences: [`the CPU failed inside: ${text}`] };
  }
}

function strictly(format: Format, vector: RawVector): Outcome {
  const outcome = runOne(format, vector);
  const address = format.stray();
  if (address === undefined || outcome.kind !== "passed") return outcome;
  return { kind: "failed", differences: [`byte at ${hex(address, 5)}: changed, though no run names it`] };
}

function tally(file: string, format: Format, vectors: readonly RawVector[], outcomes: readonly Outcome[]): FileResult {
  const failures: Failure[] = [];
  const excepted = new Map<string, Map<string, number>>();
  let passed = 0;
  outcomes.forEach((outcome, i) => {
    if (outcome.kind === "passed") passed++;
    else if (outcome.kind === "failed") {
      failures.push({ number: i + 1, ...format.label(vectors[i]!), differences: outcome.differences });
    } else {
      const opcodes = excepted.get(outcome.rule) ?? new Map<string, number>();
      excepted.set(outcome.rule, opcodes.set(outcome.opcode, (opcodes.get(outcome.opcode) ?? 0) + 1));
    }
  });
  return { file, format: format.name, passed, failures, excepted };
}

function unknownFormat(file: string, number: number): BulkheadError {
  return new BulkheadError({
    code: "malformed-vector",
    subject: `vector file "${file}"`,
    where: `vector ${number}`,
    expected: number === 1
      ? 'the fields of a known format (real mode: "op", "bytes", "init", "final", "fmask"; user mode: "n", "c", "g", "f", "m")'
      : "the same format as the vectors before it",
    found: "other fields",
  });
}

function realModeFormat(): Format {
  let machines: { of80286?: VectorMachine; of8086?: VectorMachine } = {};
  return {
    name: "real mode",
    matches: isRealModeVector,
    label: (raw) => ({ name: String(raw.name), bytes: String(raw.bytes) }),
    run: (raw) => {
      if (!isRealModeVector(raw)) throw new Error("the format was checked before");
      // There is no model of an 8086: rules say where its recordings differ.
      const machine = isOf8086(raw)
        ? machines.of8086 ??= new VectorMachine()
        : machines.of80286 ??= new VectorMachine("i286-real");
      return runRealMode(machine, raw);
    },
    stray: () => {
      for (const machine of Object.values(machines)) {
        const address = strayIn(machine);
        if (address !== undefined) return address;
      }
      return undefined;
    },
    restart: () => machines = {},
  };
}

function strayIn(machine: VectorMachine): number | undefined {
  const word = new BigUint64Array(machine.memory.buffer, machine.memory.byteOffset, REACH / 8)
    .findIndex((value) => value !== 0n);
  if (word < 0) return undefined;
  const address = machine.memory.findIndex((byte, at) => at >= word * 8 && byte !== 0);
  machine.wipe(REACH);
  return address;
}

function ring3Format(): Format {
  let runner: Ring3Runner | undefined;
  return {
    name: "user mode",
    matches: isRing3Vector,
    label: (raw) => ({ name: String(raw.n), bytes: String(raw.c) }),
    run: (raw) => {
      runner ??= new Ring3Runner(new VectorMachine());
      if (!isRing3Vector(raw)) throw new Error("the format was checked before");
      return runner.run(raw);
    },
    // The user's pages are compared whole after each vector.
    stray: () => undefined,
    restart: () => runner = undefined,
  };
}
