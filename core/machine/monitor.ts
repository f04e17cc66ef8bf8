/**
 * The monitor: runs one machine in the virtual CPU's thread, and answers its owner at safe points.
 *
 * @module
 */
import process from "node:process";
import { BulkheadError } from "../bus/error.ts";
import type { LogRecord } from "../bus/log.ts";
import { encodeFrame, type Frame, FrameReader } from "../sandbox/frame.ts";
import { AttentionWord, ByteRing } from "../sandbox/ring.ts";
import type { VcpuReport } from "../engine/vcpu.ts";
import type { Assembly } from "./assembly.ts";
import type { MachineSignals } from "./board.ts";
import { Debugger } from "./debug/debugger.ts";
import type { LifeState, MachineState, ThreadEvents, ThreadRequests, VcpuInit } from "./protocol.ts";
import type { CpuReport, ExitReport } from "./report.ts";
import { type LoopEnd, RunLoop } from "./run_loop.ts";
import { SerialScript } from "./script.ts";
import { SerialConnection } from "./serial_connection.ts";
import type { MachineStatistics } from "./statistics.ts";

/** Output that is sent at once, in bytes; less waits for company. */
const OUTPUT_BATCH = 2048;

/** Safe points, about 100 microseconds apart, that output waits for company at most. */
const OUTPUT_PATIENCE = 10;

/** An end of the run, as the guest or the owner brings it about. */
type End = LoopEnd | { readonly reason: "powered-off" | "reset" | "script" | "stopped" } | {
  readonly reason: "exit-port";
  readonly status: number;
} | { readonly reason: "failed"; readonly error: BulkheadError };

/** Runs one machine. */
export class Monitor {
  readonly #init: VcpuInit;
  readonly #requests: ByteRing;
  readonly #reports: ByteRing;
  readonly #input: ByteRing;
  readonly #frames = new FrameReader("the machine process");
  readonly #machine: Assembly;
  readonly #loop: RunLoop;
  readonly #debugger: Debugger;
  readonly #script: SerialScript;
  readonly #serial: SerialConnection;
  readonly #deterministic: boolean;
  /** Steps that hold a deterministic machine once they have acted. */
  readonly #holding = new Set<number>();
  #held = true;
  #ended = false;
  #end: End | undefined;
  #resetRequested = false;
  #outputWaited = 0;

  /**
   * Assembles the machine and powers it on, held before its first instruction.
   *
   * @param assemble Builds the parts around the machine's signals.
   */
  constructor(init: VcpuInit, assemble: (signals: MachineSignals, log: (record: LogRecord) => void) => Assembly) {
    const { definition } = this.#init = init;
    this.#requests = new ByteRing(init.requests);
    this.#reports = new ByteRing(init.reports);
    this.#input = new ByteRing(init.input);
    this.#deterministic = definition.clock.mode === "deterministic";
    this.#script = new SerialScript({
      type: (bytes) => this.#serial.type(bytes),
      matched: (id, match) => {
        this.#tell("matched", { id, match });
        this.#acted(id);
        return true;
      },
    });
    this.#serial = new SerialConnection({
      byte: (value) => this.#script.byte(value),
      wake: () => this.#machine.clock.arm(offer, this.#machine.clock.now()),
    });
    this.#machine = assemble({
      a20: (level) => this.#machine.cpu.setA20(level),
      reset: (level) => void (level && this.#requestReset()),
      intr: () => {},
      control: {
        powerOff: () => this.#finishAtBoundary({ reason: "powered-off" }),
        exit: (status) => this.#finishAtBoundary({ reason: "exit-port", status }),
      },
      serial: this.#serial,
      debug: { write: (bytes) => this.#tell("debug", {}, bytes), ready: () => {} },
    }, (record) => this.#log(record));
    const { cpu, clock, board, host } = this.#machine;
    const offer = clock.alarm("machine/serial-input", () => this.#serial.offer());
    this.#serial.connect(board.serial);
    this.#debugger = new Debugger({
      cpu,
      step: (interruptible) => this.#machine.runner.step(interruptible),
      stopped: (stop) => this.#tell("debugStop", { stop }),
      released: () => this.#loop.released(),
      reset: () => this.#handlers.reset({}),
    });
    this.#loop = new RunLoop({
      cpu: this.#machine.runner,
      clock,
      interrupts: board.interrupts,
      deterministic: this.#deterministic,
      attention: new AttentionWord(init.attention),
      stopAt: definition.stopAt,
      hostTime: () => performance.now() * 1e6,
      attend: () => this.#attend(),
      safePoint: (idle) => this.#safePoint(idle),
      debugger: this.#debugger,
    });
    host.reset("power-on");
    this.#startCpu();
    // The definition's own steps have negative numbers, so that they never meet a caller's.
    definition.script.forEach((step, index) => this.#script.add(index - definition.script.length, step));
  }

  /** Runs until the owner is gone. */
  serve(): void {
    this.#tell("ready", {});
    while (!this.#requests.stopped) {
      try {
        const end = this.#loop.run() ?? this.#end;
        if (end !== undefined) this.#finish(end);
        else if (this.#resetRequested) this.#restart();
      } catch (error) {
        this.#finish({ reason: "failed", error: BulkheadError.from(error, "the virtual CPU") });
      }
    }
  }

  get #life(): LifeState {
    if (this.#ended) return "stopped";
    if (this.#debugger.held) return "paused";
    if (!this.#loop.paused) return "running";
    return this.#held ? "held" : "paused";
  }

  #startCpu(): void {
    this.#machine.load();
    this.#machine.cpu.start(this.#init.cpu);
  }

  #requestReset(): void {
    if (this.#init.definition.reset === "stop") return this.#finishAtBoundary({ reason: "reset" });
    this.#resetRequested = true;
    this.#loop.leave();
  }

  #restart(): void {
    this.#resetRequested = false;
    this.#serial.clearInput();
    this.#machine.host.reset("hard");
    this.#startCpu();
  }

  #finishAtBoundary(end: End): void {
    this.#end ??= end;
    this.#loop.leave();
  }

  #finish(end: End): void {
    this.#end = undefined;
    this.#loop.pause();
    if (this.#ended) return;
    this.#ended = true;
    const { reason, ...details } = end;
    const { board } = this.#machine;
    const report: ExitReport = {
      reason,
      ...details,
      ...(reason === "failed" ? { error: end.error.toJSON() } : {}),
      ...(this.#script.unmet === undefined ? {} : { unmet: this.#script.unmet }),
      ...(board.postCode() === undefined ? {} : { post: board.postCode() }),
      cpu: cpuReport(this.#machine.cpu.report()),
      retired: this.#machine.cpu.retired,
      time: this.#machine.clock.now(),
    } as ExitReport;
    this.#tell("exit", { report });
  }

  /** A step has met its expectation, in the middle of an instruction of the guest. */
  #acted(id: number): void {
    if (id === -1) this.#finishAtBoundary({ reason: "script" });
    if (!this.#holding.delete(id)) return;
    this.#held = true;
    this.#loop.pause();
  }

  #attend(): void {
    if (this.#requests.stopped) this.#loop.leave();
    for (const frame of this.#frames.push(this.#requests.readAll())) this.#answer(frame);
    this.#takeInput();
  }

  #safePoint(idle: boolean): void {
    if (this.#input.readable > 0) this.#takeInput();
    const pending = this.#serial.pendingOutput;
    if (pending === 0) return;
    if (idle || pending >= OUTPUT_BATCH || ++this.#outputWaited >= OUTPUT_PATIENCE) this.#sendOutput();
  }

  #takeInput(): void {
    const into = new Uint8Array(Math.min(this.#input.readable, this.#serial.room));
    this.#serial.type(into.subarray(0, this.#input.read(into)));
  }

  #answer({ header }: Frame): void {
    const { ask, id } = header;
    try {
      const handler = this.#handlers[ask as keyof ThreadRequests] as (ask: unknown) => object;
      this.#report({ reply: true, id, body: handler(header.body) as Frame["header"] });
    } catch (error) {
      const refusal = BulkheadError.from(error, `the request "${ask}"`).toJSON();
      this.#report({ refuse: true, id, body: refusal as unknown as Frame["header"] });
    }
  }

  readonly #handlers: { [K in keyof ThreadRequests]: (ask: ThreadRequests[K]["ask"]) => ThreadRequests[K]["answer"] } =
    {
      debug: (command) => this.#debugger.answer(command),
      pause: () => {
        this.#held = false;
        this.#loop.pause();
        return {};
      },
      resume: () => {
        if (!this.#ended) this.#loop.resume();
        return {};
      },
      reset: () => {
        if (this.#ended) return {};
        this.#resetRequested = true;
        this.#loop.leave();
        return {};
      },
      state: ({ hash }) => this.#state(hash),
      statistics: () => this.#statistics(),
      step: ({ id, step, hold }) => {
        if (hold && this.#deterministic) this.#holding.add(id);
        const wasHeld = this.#life === "held";
        this.#script.add(id, step);
        if (step.kind === "expect" && wasHeld && this.#script.pending) this.#loop.resume();
        return {};
      },
      unstep: ({ id }) => {
        this.#holding.delete(id);
        this.#script.remove(id);
        return {};
      },
      stop: () => {
        this.#finish({ reason: "stopped" });
        return {};
      },
    };

  #state(hash: boolean): MachineState {
    const { cpu, clock } = this.#machine;
    return {
      life: this.#life,
      retired: cpu.retired,
      time: clock.now(),
      cpu: cpuReport(cpu.report()),
      ...(hash ? { hash: cpu.stateHash() } : {}),
    };
  }

  #statistics(): MachineStatistics {
    const { cpu, clock, host } = this.#machine;
    return {
      version: 1,
      retired: cpu.retired,
      vcpuCpuSeconds: threadSeconds(),
      vcpuCpuSecondsSource: "thread",
      virtualSeconds: clock.now() / 1e9,
      haltedSeconds: this.#loop.haltedTime / 1e9,
      stops: this.#loop.stops,
      cpu: cpu.stats(),
      bus: host.statistics(),
      serial: { written: this.#serial.written, read: this.#serial.read },
      clock: { dropped: clock.dropped, steps: clock.steps },
    };
  }

  #log(record: LogRecord): void {
    if (record.level !== "debug" || this.#init.definition.trace.includes("log")) this.#tell("log", { record });
  }

  #tell<K extends keyof ThreadEvents>(name: K, body: ThreadEvents[K], payload?: Uint8Array): void {
    this.#report({ tell: name, body: body as unknown as Frame["header"] }, payload);
  }

  /** Sends a frame after what the guest wrote before it. A reader that does not read holds the machine, until it is stopped. */
  #report(header: Frame["header"], payload?: Uint8Array): void {
    this.#sendOutput();
    this.#reports.writeAll(encodeFrame(header, payload));
  }

  #sendOutput(): void {
    this.#outputWaited = 0;
    // While the machine is being assembled there is no port yet, but devices may log.
    const output = this.#serial?.takeOutput();
    if (output !== undefined && output.length > 0) {
      this.#reports.writeAll(encodeFrame({ tell: "output", body: {} }, output));
    }
  }
}

function cpuReport({ cs, eip, lastVector, lastError }: VcpuReport): CpuReport {
  const exception = lastVector < 0 ? null : { vector: lastVector, error: lastError < 0 ? null : lastError };
  return { cs, eip, exception };
}

/** CPU seconds of this thread. */
function threadSeconds(): number {
  const { user, system } = (process as unknown as { threadCpuUsage(): { user: number; system: number } })
    .threadCpuUsage();
  return (user + system) / 1e6;
}
