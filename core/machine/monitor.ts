/**
 * The monitor: runs one machine in the virtual CPU's thread, and answers its owner at safe points.
 *
 * @module
 */
import { builtin } from "../bus/builtin.ts";
import { BulkheadError } from "../bus/error.ts";
import type { LogRecord } from "../bus/log.ts";
import { encodeFrame, type Frame, FrameReader } from "../sandbox/frame.ts";
import { reclaimerAtRest } from "../sandbox/reclaim.ts";
import { AttentionWord, ByteRing } from "../sandbox/ring.ts";
import type { VcpuReport } from "../engine/vcpu.ts";
import type { Assembly } from "./assembly.ts";
import type { MachineSignals } from "./board.ts";
import { Debugger } from "./debug/debugger.ts";
import type { ResolvedStep } from "./definition.ts";
import {
  type LifeState,
  type MachineState,
  RELOAD_LIMIT,
  type ThreadEvents,
  type VcpuInit,
  type VcpuRequests,
} from "./protocol.ts";
import { type CpuReport, describeExit, type ExitReport, RESUMABLE } from "./report.ts";
import { type LoopEnd, RunLoop } from "./run_loop.ts";
import { SerialScript } from "./script.ts";
import { SerialConnection } from "./serial_connection.ts";
import { imageFromJson, imageToJson, type MachineImage, type MachineImageJson } from "./snapshot/machine_image.ts";
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
  readonly #reloaded: ByteRing;
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
  /** How the run ended, once it has. */
  #exit: ExitReport | undefined;
  #resetRequested = false;
  /** The script from its first step on, whichever of them are left. */
  #wholeScript: readonly ResolvedStep[];
  /** Set while the machine stands still for a checkpoint: whether it runs on afterwards. */
  #checkpoint: { resume: boolean } | undefined;
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
    this.#reloaded = new ByteRing(init.reloaded);
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
      detached: (plugin) => this.#tell("detached", { plugin }),
      failed: (error) => this.#finishAtBoundary({ reason: "failed", error }),
      control: {
        powerOff: () => this.#finishAtBoundary({ reason: "powered-off" }),
        exit: (status) => this.#finishAtBoundary({ reason: "exit-port", status }),
      },
      serial: this.#serial,
      typing: {
        receive: (bytes) => {
          const count = Math.min(bytes.length, this.#serial.room);
          this.#serial.type(bytes.subarray(0, count));
          return count;
        },
      },
      debug: { write: (bytes) => this.#tell("debug", {}, bytes), ready: () => {} },
      // A deterministic machine's devices have seeds.
      entropy: { available: !this.#deterministic, fill: (into) => void crypto.getRandomValues(into) },
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
      rest: reclaimerAtRest(),
      debugger: this.#debugger,
    });
    this.#wholeScript = definition.script;
    if (init.image !== null) {
      this.#takeOver(init.image);
    } else {
      host.reset("power-on");
      cpu.start(init.cpu);
      this.#addScript(definition.script);
    }
  }

  /** Runs until the owner is gone. */
  serve(): void {
    this.#tell("ready", {});
    while (!this.#requests.stopped) {
      try {
        const end = this.#end ?? this.#loop.run() ?? this.#end;
        if (end !== undefined) this.#finish(end);
        else if (this.#resetRequested && this.#checkpoint === undefined) this.#restart();
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

  /** The definition's own steps have negative numbers, so that they never meet a caller's; the last is -1. */
  #addScript(steps: readonly ResolvedStep[]): void {
    steps.forEach((step, index) => this.#script.add(index - steps.length, step));
  }

  /** Takes over a saved state. @throws {BulkheadError} A state that is not this machine's. */
  #takeOver(json: MachineImageJson): void {
    const { processor, bus, monitor, disks } = imageFromJson(json);
    const { cpu, host, backends } = this.#machine;
    checkMonitor({ processor, bus, monitor, disks });
    // The clock goes on at the processor's instruction count.
    cpu.restore(processor, processor.retired);
    host.restore(bus);
    backends.disks.restore(disks.disks);
    this.#loop.haltedTime = monitor.haltedTime;
    this.#serial.restore(monitor.serial);
    this.#script.restore(monitor.script);
    // A script that goes on goes on where it was; another one begins, on what the guest has written since the last match.
    const { whole, steps } = monitor.script, given = this.#init.definition.script;
    const goesOn = given.length === 0 || (steps.length > 0 && JSON.stringify(given) === JSON.stringify(whole));
    this.#wholeScript = goesOn ? whole : given;
    this.#addScript(goesOn ? steps : given);
  }

  #requestReset(): void {
    if (this.#init.definition.reset === "stop") return this.#finishAtBoundary({ reason: "reset" });
    this.#resetRequested = true;
    this.#loop.leave();
  }

  #restart(): void {
    this.#resetRequested = false;
    const error = this.#reload();
    if (error !== undefined) return this.#finish({ reason: "failed", error });
    this.#serial.clearInput();
    this.#machine.host.reset("hard");
    this.#machine.cpu.start(this.#init.cpu);
  }

  /** Has the guest put into RAM again, for which no time of the guest's passes; returns why it could not be. */
  #reload(): BulkheadError | undefined {
    if (this.#init.pieces.every(({ rom }) => rom)) return undefined;
    this.#tell("reload", {});
    const frames = new FrameReader("the machine process"), started = performance.now();
    while (!this.#requests.stopped && performance.now() - started < RELOAD_LIMIT) {
      if (this.#reloaded.waitReadable(1000) !== "ready") continue;
      const [answer] = frames.push(this.#reloaded.readAll());
      if (answer === undefined) continue;
      const { error } = answer.header.body as { error?: unknown };
      return error === undefined ? undefined : BulkheadError.fromJSON(error);
    }
    const sentence = `the guest's files were not read again within ${RELOAD_LIMIT / 1000} s, which a reset needs`;
    return new BulkheadError({ code: "reload-late", subject: "the owner of the machine", sentence });
  }

  #finishAtBoundary(end: End): void {
    this.#end ??= end;
    // A part may fail while the machine is still being put together.
    this.#loop?.leave();
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
    this.#exit = report;
    this.#machine.backends.finish();
    this.#tell("exit", { report });
  }

  #resume(): void {
    if (this.#checkpoint !== undefined) this.#checkpoint.resume = true;
    else if (!this.#ended) this.#loop.resume();
  }

  /** The machine without its memory; it stands still from here on. */
  #save(): MachineImageJson {
    if (this.#checkpoint !== undefined) {
      throw new BulkheadError({ code: "busy", subject: "the machine", sentence: "the machine is being saved already" });
    }
    // What the instruction boundary was to bring comes first.
    if (this.#end !== undefined) this.#finish(this.#end);
    else if (this.#resetRequested) this.#restart();
    if (this.#machine.plugins.closed) {
      const sentence = "the machine cannot be saved: its back ends have been closed";
      throw new BulkheadError({ code: "not-resumable", subject: "the machine", sentence });
    }
    if (this.#exit !== undefined && !RESUMABLE.has(this.#exit.reason)) {
      const sentence = `the machine cannot be saved: ${describeExit(this.#exit)}, and nothing can go on from there`;
      throw new BulkheadError({ code: "not-resumable", subject: "the machine", sentence });
    }
    this.#takeInput();
    const { cpu, host, backends } = this.#machine;
    // Disks wait for the host, whose answers arm alarms.
    const disks = backends.disks.save();
    const steps = this.#script.steps.filter(({ id }) => id < 0).map(({ step }) => step);
    const image = imageToJson({
      processor: { ...cpu.save(), retired: cpu.retired },
      bus: host.save(),
      monitor: {
        serial: { input: this.#serial.pendingInput, written: this.#serial.written, read: this.#serial.read },
        script: { ...this.#script.save(), steps, whole: this.#wholeScript },
        haltedTime: this.#loop.haltedTime,
      },
      disks: { disks },
    });
    this.#checkpoint = { resume: !this.#loop.paused };
    this.#loop.pause();
    return image;
  }

  #release(): void {
    const { resume } = this.#checkpoint ?? { resume: false };
    this.#checkpoint = undefined;
    if (resume) this.#resume();
    if (this.#resetRequested) this.#loop.leave();
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
    // An answer of the host's is the guest's as soon as possible.
    this.#machine.plugins.safePoint();
  }

  #safePoint(idle: boolean): void {
    this.#machine.backends.safePoint();
    this.#machine.plugins.safePoint();
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
      const handler = this.#handlers[ask as keyof VcpuRequests] as (ask: unknown) => object;
      this.#report({ reply: true, id, body: handler(header.body) as Frame["header"] });
    } catch (error) {
      const refusal = BulkheadError.from(error, `the request "${ask}"`).toJSON();
      this.#report({ refuse: true, id, body: refusal as unknown as Frame["header"] });
    }
  }

  readonly #handlers: { [K in keyof VcpuRequests]: (ask: VcpuRequests[K]["ask"]) => VcpuRequests[K]["answer"] } = {
    debug: (command) => this.#debugger.answer(command),
    pause: () => {
      this.#held = false;
      if (this.#checkpoint !== undefined) this.#checkpoint.resume = false;
      this.#loop.pause();
      return {};
    },
    resume: () => {
      this.#resume();
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
    regions: ({ most }) => ({
      reports: this.#init.definition.countRegions ? this.#machine.cpu.regions(most) ?? null : null,
    }),
    step: ({ id, step, hold }) => {
      if (hold && this.#deterministic) this.#holding.add(id);
      // Whether or not a debugger holds the CPU besides.
      const wasHeld = this.#held && this.#loop.paused && !this.#ended;
      this.#script.add(id, step);
      if (step.kind === "expect" && wasHeld && this.#script.pending) this.#resume();
      return {};
    },
    unstep: ({ id }) => {
      this.#holding.delete(id);
      this.#script.remove(id);
      return {};
    },
    checkpoint: () => ({ image: this.#save() }),
    release: () => {
      this.#release();
      return {};
    },
    stop: () => {
      this.#finish({ reason: "stopped" });
      return {};
    },
    close: () => {
      this.#finish({ reason: "stopped" });
      this.#machine.plugins.close();
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
      disks: this.#machine.backends.disks.statistics(),
      backends: this.#machine.plugins.statistics(),
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

/** Checks what a snapshot says of the monitor; processor and bus are checked by who takes them over. */
function checkMonitor({ processor, monitor, disks }: MachineImage): void {
  const count = (value: unknown) => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
  const { serial, script, haltedTime } = monitor ?? {};
  const steps = (value: unknown) =>
    Array.isArray(value) &&
    value.every((step) =>
      step?.kind === "send"
        ? Array.isArray(step.bytes) && step.bytes.every(count)
        : step?.kind === "expect" && typeof step.source === "string" && typeof step.flags === "string"
    );
  const right = typeof processor === "object" && processor !== null && typeof processor.fields === "object" &&
    count(processor.retired) && serial?.input instanceof Uint8Array && count(serial.written) && count(serial.read) &&
    typeof script?.text === "string" && Array.isArray(script.partial) && script.partial.every(count) &&
    steps(script.steps) && steps(script.whole) && count(haltedTime) && Array.isArray(disks?.disks);
  if (right) return;
  throw new BulkheadError({
    code: "monitor-image",
    subject: "the saved machine",
    expected: "an instruction count, serial queues and a script",
    found: "something else",
  });
}

function cpuReport({ cs, eip, lastVector, lastError }: VcpuReport): CpuReport {
  const exception = lastVector < 0 ? null : { vector: lastVector, error: lastError < 0 ? null : lastError };
  return { cs, eip, exception };
}

/** CPU seconds of this thread. */
function threadSeconds(): number {
  const { user, system } =
    (builtin("node:process") as unknown as { threadCpuUsage(): { user: number; system: number } })
      .threadCpuUsage();
  return (user + system) / 1e6;
}
