/**
 * A virtual CPU: runs guest code for an exact number of instructions, delivering exceptions and interrupts between them.
 *
 * @module
 */
export type { RomMapping, VcpuOptions, VcpuReport, VcpuStats, VcpuStop } from "./vcpu_interface.ts";
import { builtin } from "../bus/builtin.ts";
import type { ClockCourse, InterruptAcknowledger } from "../bus/system.ts";
import { GuestMemory } from "../memory/guest_memory.ts";
import { PhysicalMemory } from "../memory/physical.ts";
import { REFUSED, type Watchpoint, Watchpoints } from "../memory/watchpoints.ts";
import { Cpu } from "../x86/cpu.ts";
import { GuestFault, UnbuiltFeature } from "../x86/fault.ts";
import type { Instruction } from "../x86/instruction.ts";
import { cpuModel } from "../x86/models.ts";
import { CLOCK, FLAG, PENDING_ATTENTION, PENDING_INTR, SEG, STATE, VECTOR, WINDOW } from "../x86/registers.ts";
import { DR6, DR7_BIT, executeBreakpoints, noteDebugException, singleStepsBranches } from "../x86/breakpoints.ts";
import { reset } from "../x86/reset.ts";
import { requireMmx, requireSse, UNIT } from "../x86/simd/unit.ts";
import type { Callout } from "../x86/system/callout.ts";
import { deliver, raise } from "../x86/system/interrupts.ts";
import { segmentOverrun } from "../x86/system/segment_overrun.ts";
import { architecturalState, type CpuStart, startProtected } from "./cpu_start.ts";
import { Breakpoints } from "./breakpoints.ts";
import { Blocks } from "./blocks.ts";
import { calloutTable } from "./callout_table.ts";
import { CarefulMode } from "./careful_mode.ts";
import { CodeCache } from "./code_cache.ts";
import { type Gone, isGone } from "./code_page.ts";
import { type CpuImage, cpuImage, restoreCpu } from "./cpu_image.ts";
import { Interpreter } from "./interpreter/interpreter.ts";
import type { RegionReports } from "./translator/region_watch.ts";
import { REGION_SLOTS, Translator } from "./translator/translator.ts";
import type { VcpuOptions, VcpuReport, VcpuStats, VcpuStop } from "./vcpu_interface.ts";
import { BLOCK_LENGTH, CONTROL_CASE, EXIT, KEPT_INDEX, RECORD, STATUS } from "./interpreter/record.ts";

const NONE_PENDING = -1;
/** What no budget is. */
const NO_BUDGET = -0x8000_0000;
/** A fault vector that stands for an unbuilt feature. */
const UNBUILT = -2;

/** `STATE.SHADOW` after MOV SS and POP SS, which hold debug exceptions too (Intel SDM volume 3, 6.8.3). */
const SHADOW_STACK_SEGMENT = 2;

/** Flags with which the run loop must look at the CPU before the next instruction. */
const ATTENTION_FLAGS = FLAG.TF | FLAG.AC | FLAG.RF;

/** Instructions after which what happened now and then is forgotten. */
const CALM_INTERVAL = 50_000_000;

const DR7 = (STATE.DR >> 2) + 14;

const EXIT_NAMES: readonly string[] = Object.entries(EXIT).reduce<string[]>((names, [name, code]) => {
  names[code] = name.toLowerCase().replace("_", "-");
  return names;
}, []);

/** A virtual CPU. */
export class Vcpu {
  readonly cpu: Cpu;
  readonly physical: PhysicalMemory;
  readonly memory: GuestMemory;
  readonly code: CodeCache;
  readonly #breakpoints = new Breakpoints();
  readonly #interpreter: Interpreter;
  readonly #translator: Translator | undefined;
  readonly #blocks: Blocks;
  readonly #callouts: readonly (Callout | undefined)[];
  readonly #faulted: ((fault: GuestFault) => void) | undefined;
  readonly #careful: CarefulMode;
  readonly #interrupts: InterruptAcknowledger;
  readonly #words: Int32Array;
  readonly #state: Int32Array;
  readonly #clock: Float64Array;
  readonly #course: (() => ClockCourse) | undefined;
  /** Instructions retired before the current stay in emitted code. */
  #retired = 0;
  /** Budget that the current stay began with, and how many instructions of its first block were retired before it. */
  #given = 0;
  #credit = 0;
  #inside = false;
  /** The stay may go on with the handler of a fault. */
  #goesOn = false;
  /** Record to go on with, or 0: then RIP decides. */
  #resume = 0;
  #mode = -1;
  /** The instruction being stepped has changed its own page's code: what follows must be decoded again. */
  #stale = false;
  #stop = false;
  #unbuilt: string | undefined;
  #internal: unknown;
  /** A debugger has breakpoints or watchpoints, or steps. */
  #debugged = false;
  #stepping = false;
  /** External interrupts wait, while a debugger steps. */
  #inhibited = false;
  /** An access was refused: its instruction is carried out by itself. */
  #refused = false;
  /** Emitted code leaves after a callout, at the next instruction. */
  #leaving = false;
  /** A fault of a task switch that happened: raised in the new task before its first instruction. */
  #late: GuestFault | undefined;
  readonly #exits = new Array<number>(EXIT_NAMES.length).fill(0);
  #interruptCount = 0;
  #calloutCount = 0;
  /** Instructions that translated code has retired. */
  #translated = 0;
  /** The next stay begins with a record, even if there is translated code. */
  #interpretNext = false;
  /** The next instruction has no record yet. */
  #decodeNext = false;
  /** When `#calm` is due. */
  #calmAt = CALM_INTERVAL;
  readonly #exceptions = new Array<number>(32).fill(0);

  constructor(options: VcpuOptions) {
    const { memory, layout } = options;
    this.physical = new PhysicalMemory(memory.buffer, layout);
    this.#words = this.physical.words;
    this.memory = new GuestMemory(this.physical, layout.cpu, options.bus);
    this.cpu = new Cpu(memory.buffer, layout.cpu, {
      memory: this.memory,
      bus: options.bus,
      // The time-stamp counter runs at 1 GHz of virtual time.
      timestamp: () => options.clock.now(),
    }, cpuModel(options.model ?? "max"));
    this.cpu.fpuErrorPins = options.fpuErrorPins;
    for (const rom of options.roms ?? []) this.physical.map(rom.physical, rom.host, rom.size, false);
    options.clock.earlier = () => this.interrupt();
    this.#state = this.cpu.i32;
    this.cpu.poll = () => {
      this.#state[STATE.PENDING >> 2] = (this.#interrupts.asserted ? PENDING_INTR : 0) |
        (this.#stop ? PENDING_ATTENTION : 0);
    };
    this.#interrupts = options.interrupts;
    // Somebody who stands in for RDTSC's definition sees each one.
    const { clock } = options;
    if (options.callouts === undefined && clock.course !== undefined) this.#course = () => clock.course!();
    this.#clock = new Float64Array(memory.buffer, layout.cpu + STATE.CLOCK, CLOCK.SIZE / 8);
    this.#callouts = options.callouts ?? calloutTable(this.cpu.model);
    this.#faulted = options.faulted;
    const hotAfter = Math.min(Math.max(options.translate?.after ?? 1, 1), 0xffff);
    const regions = options.translate &&
      new WebAssembly.Table({ element: "anyfunc", initial: REGION_SLOTS, maximum: REGION_SLOTS });
    this.#interpreter = new Interpreter(memory, layout, {
      read: (linear, size) => this.memory.slowRead(linear, size),
      readModify: (linear, size) => this.memory.slowReadModify(linear, size),
      write: (linear, value, size) => this.memory.slowWrite(linear, value, size),
      readWide: (linear, size) => this.memory.slowReadWide(linear, size),
      writeWide: (linear, size) => this.memory.slowWriteWide(linear, size),
      admit: (unit) => this.#admit(unit),
      bulk: (linear, write) => this.memory.bulk(linear, write),
      segment: (window, offset, kind) => this.#segment(window, offset, kind),
      callout: (record) => this.#callout(record),
      fault: (entry) => this.#fault(entry),
    }, regions);
    this.#blocks = new Blocks(this.#words, this.#interpreter);
    this.code = new CodeCache(
      this.memory,
      layout.cpu,
      layout.arena,
      layout.arenaBytes,
      (shape) => this.#interpreter.caseOf(shape),
      this.cpu.model,
      this.#breakpoints,
      hotAfter,
    );
    this.#translator = regions && new Translator({
      memory,
      layout,
      code: this.code,
      table: regions,
      run: this.#interpreter.loop,
      calledOut: this.cpu.model.calledOut,
      after: hotAfter,
      ...(options.translate?.mostBytes === undefined ? {} : { mostBytes: options.translate.mostBytes }),
      ...(options.translate?.watch ? { watch: options.translate.watch } : {}),
    });
    this.#careful = new CarefulMode(this.cpu, this.code.instruction);
    this.memory.deviceAccessed = () => this.#deviceAccessed();
    this.code.pages.onInvalidate = (page, from, to, gone) => {
      this.#translator?.drop(page.index, from, to);
      this.#invalidated(gone);
    };
    this.reset();
  }

  /** Power-up state. The instruction count goes on. */
  reset(): void {
    this.#careful.reset();
    this.#late = undefined;
    reset(this.cpu);
    this.#state[STATE.FAULT_VECTOR >> 2] = NONE_PENDING;
    this.setA20(true);
    this.memory.flush(false);
    // The guest may have been put into RAM again behind the traces' back.
    this.code.reset();
    this.#resume = 0;
    this.#credit = 0;
    if (this.#translator !== undefined) this.#translator.enabled = !this.#debugged;
  }

  /** Puts the CPU where a boot protocol starts it; RESET's state is `{ kind: "reset" }`. */
  start(start: CpuStart): void {
    this.reset();
    if (start.kind === "protected") startProtected(this.cpu, start);
    this.#checkMode();
  }

  /**
   * SHA-256 of the architectural state: the CPU's block with flags materialised, then RAM. Equal machines have equal hashes, whichever
   * engine ran them; what only speeds the CPU up (TLBs, decoded code) is left out.
   */
  stateHash(): string {
    const hash = builtin("node:crypto").createHash("sha256");
    hash.update(architecturalState(this.cpu));
    const { ram, ramBytes } = this.physical.layout;
    const CHUNK = 1 << 24;
    for (let at = 0; at < ramBytes; at += CHUNK) {
      hash.update(this.physical.bytes.subarray(ram + at, ram + Math.min(at + CHUNK, ramBytes)));
    }
    return hash.digest("hex");
  }

  /**
   * A checkpoint: the processor's state between two runs. What only speeds the CPU up is forgotten here as it will be at the restore, so
   * that this machine and a restored one go on alike.
   */
  save(): CpuImage {
    this.#settle();
    this.memory.flush(false);
    this.code.reset();
    return cpuImage(this.cpu);
  }

  /**
   * Takes over a saved state, and the instruction count that goes with it.
   *
   * @throws {BulkheadError} `cpu-image`.
   */
  restore(image: CpuImage, retired: number): void {
    this.reset();
    restoreCpu(this.cpu, image);
    this.setA20(this.#state[STATE.A20 >> 2] !== 0);
    this.#retired = retired;
    this.#checkMode();
  }

  /** Opens or closes the A20 gate. */
  setA20(open: boolean): void {
    if ((this.#state[STATE.A20 >> 2] !== 0) === open && this.physical.a20Mask === (open ? 0xffff_ffff : 0xffef_ffff)) {
      return;
    }
    this.#state[STATE.A20 >> 2] = open ? 1 : 0;
    this.physical.a20Mask = open ? 0xffff_ffff : 0xffef_ffff;
    this.memory.flush(false);
  }

  /** Makes `run` return after the instruction (or iteration) whose access to a device is under way. */
  interrupt(): void {
    this.#stop = true;
    this.#state[STATE.PENDING >> 2]! |= PENDING_ATTENTION;
  }

  /** Whether the last `run` was made to return early. */
  get interrupted(): boolean {
    return this.#stop;
  }

  /** Instructions retired so far; exact even from inside a device access. */
  get retired(): number {
    if (!this.#inside) return this.#retired;
    const state = this.#state;
    return this.#retired + this.#given - state[STATE.BUDGET >> 2]! - this.#credit + state[STATE.EXTRA >> 2]! +
      this.#blocks.position(state[STATE.RECORD >> 2]!);
  }

  /** A maskable interrupt would be taken now. */
  get #interruptible(): boolean {
    return !this.#inhibited && this.#interrupts.asserted && (this.#state[STATE.EFLAGS >> 2]! & FLAG.IF) !== 0;
  }

  /**
   * Runs until `maximum` instructions (at least 1) have retired or something else must be decided. An iteration of a repeated string
   * counts as one; a faulting instruction does not count.
   *
   * @param exact False lets the CPU stop up to 96 instructions early, at the end of a block, which is cheaper than stopping exactly.
   */
  run(maximum: number, exact = true): VcpuStop {
    const target = this.#retired + maximum;
    const cpu = this.cpu, state = this.#state;
    const deliveries = this.#stepping ? this.#deliveries : 0;
    this.#stop = false;
    // An instruction that waited is tried again.
    cpu.waits = false;
    // The state may have been replaced since the last run.
    this.#checkMode();
    for (;;) {
      if (cpu.shutdown) return { reason: "shutdown" };
      if (this.#internal !== undefined) this.#rethrow();
      if (this.#unbuilt !== undefined) {
        const feature = this.#unbuilt;
        this.#unbuilt = undefined;
        return { reason: "unbuilt", feature };
      }
      if (this.#debugged) {
        const watchpoint = this.#takeHit();
        if (watchpoint !== undefined) return { reason: "watchpoint", watchpoint };
        if (this.#stepping && this.#deliveries !== deliveries) return { reason: "budget" };
      }
      if (this.#late !== undefined) {
        const fault = this.#late;
        this.#late = undefined;
        this.#raise(fault);
        continue;
      }
      const shadow = state[STATE.SHADOW >> 2]!;
      if (state[STATE.DEBUG_TRAPS >> 2] !== 0 && shadow !== SHADOW_STACK_SEGMENT) {
        this.#debugTrap();
        continue;
      }
      if (shadow === 0 && this.#interruptible) {
        this.#settle();
        this.#interruptCount++;
        deliver(cpu, this.#interrupts.acknowledge(), -1, "external");
        this.#afterTransfer();
        continue;
      }
      if (this.#stop) return { reason: "budget" };
      if (cpu.halted || cpu.waits) {
        return { reason: (state[STATE.EFLAGS >> 2]! & FLAG.IF) !== 0 ? "halted" : "dead" };
      }
      const remaining = target - this.#retired;
      if (remaining <= 0) return { reason: "budget" };
      state[STATE.PENDING >> 2] = this.#interrupts.asserted ? PENDING_INTR : 0;
      if (this.#debugged) {
        if (this.#refused) {
          this.#redo();
          continue;
        }
        const address = this.#linear;
        if (this.#breakpoints.stopsAt(address)) return { reason: "breakpoint", address };
      }
      if (this.#careful.update()) this.#afterTransfer();
      if (this.#careful.active || shadow !== 0 || (state[STATE.EFLAGS >> 2]! & FLAG.TF) !== 0) {
        this.#stepWithTraps();
        continue;
      }
      const approaching = remaining <= 2 * BLOCK_LENGTH;
      if (approaching && !exact) return { reason: "budget" };
      // RF lasts for one instruction (Intel SDM volume 3, 17.3.1.1): that of the first one here matters to no one.
      state[STATE.EFLAGS >> 2]! &= ~FLAG.RF;
      if (approaching) this.#approach(remaining);
      else this.#enter(Math.min(remaining - BLOCK_LENGTH, 0x4000_0000));
      if (this.#budgetBound) {
        this.#budgetBound = false;
        if (!exact) return { reason: "budget" };
        return this.#interpret(target - this.#retired);
      }
    }
  }

  /** The end of an exact stretch, which translated code cannot hit. */
  #interpret(maximum: number): VcpuStop {
    const translator = this.#translator!;
    translator.enabled = false;
    try {
      return this.run(maximum);
    } finally {
      translator.enabled = !this.#debugged;
    }
  }

  /**
   * For a debugger: carries out one instruction (or iteration), or delivers one exception or interrupt, whichever comes first. Stops at a
   * breakpoint unless `pass` was called.
   *
   * @param interruptible False: external interrupts wait, unless the CPU is halted.
   */
  step(interruptible: boolean): VcpuStop {
    this.#debugging(true);
    this.#stepping = true;
    this.#inhibited = !interruptible && !this.cpu.halted;
    try {
      return this.run(1);
    } finally {
      this.#stepping = this.#inhibited = false;
      this.#debugging(this.#breakpoints.any || this.memory.watch !== undefined);
    }
  }

  /** Sets where a debugger wants the CPU to stop: before instructions at linear addresses, and after accesses. */
  stopAt(breakpoints: readonly number[], watchpoints: readonly Watchpoint[]): void {
    if (this.#breakpoints.replace(breakpoints)) {
      this.code.pages.forgetVariants();
      this.#settle();
    }
    if (watchpoints.length > 0) this.memory.watch = new Watchpoints(watchpoints);
    else if (this.memory.watch !== undefined) this.memory.watch = undefined;
    this.#refused = false;
    this.#debugging(this.#breakpoints.any || this.memory.watch !== undefined);
  }

  /** Translated code knows nothing of a debugger. */
  #debugging(on: boolean): void {
    this.#debugged = on;
    if (this.#translator !== undefined) this.#translator.enabled = !on;
  }

  /** Lets the next instruction run even if there is a breakpoint. */
  pass(): void {
    this.#breakpoints.pass(this.#linear);
  }

  /** A debugger has changed registers: what was derived from them is derived again. */
  altered(): void {
    this.cpu.refreshSegments();
    this.memory.flush(false);
    this.#refused = false;
    this.#afterTransfer();
  }

  /** Linear address of the next instruction. */
  get #linear(): number {
    return (this.cpu.eip + this.cpu.segmentBase(SEG.CS)) >>> 0;
  }

  /** Exceptions and interrupts so far. */
  get #deliveries(): number {
    return this.#exceptions.reduce((sum, count) => sum + count, this.#interruptCount);
  }

  #takeHit(): Watchpoint | undefined {
    const { watch } = this.memory;
    const hit = watch?.hit;
    if (hit !== undefined) watch!.hit = undefined;
    return hit;
  }

  /** Carries an instruction out whose access was refused. */
  #redo(): void {
    this.#refused = false;
    const { watch } = this.memory;
    if (watch !== undefined) watch.refusing = false;
    // The guest's own breakpoint at this instruction has been looked for.
    this.#state[STATE.EFLAGS >> 2]! |= FLAG.RF;
    this.#stepWithTraps();
    if (watch !== undefined) watch.refusing = true;
  }

  /** Close to the end of a stretch: one block where it fits, else one instruction. */
  #approach(remaining: number): void {
    const record = this.#record();
    if (record === 0) return;
    const length = this.#blocks.length(record);
    // The credit ends where a block ends, and the next block would follow; a repeated string may take it for iterations of its own.
    if (length === 0 || length + this.#credit > remaining) return this.#step();
    // One instruction of budget: left at the end of the block.
    this.#runFrom(record, 1 + this.#credit);
  }

  #rethrow(): never {
    const error = this.#internal;
    this.#internal = undefined;
    throw error;
  }

  /** One instruction under the STI or MOV SS shadow, with TF set, or watched. */
  #stepWithTraps(): void {
    const { cpu } = this, state = this.#state;
    const shadow = state[STATE.SHADOW >> 2]!, flags = state[STATE.EFLAGS >> 2]!;
    const careful = this.#careful.active;
    state[STATE.SHADOW >> 2] = 0;
    if (careful && shadow !== SHADOW_STACK_SEGMENT && (flags & FLAG.RF) === 0) {
      const bits = executeBreakpoints(cpu);
      if (bits !== 0) {
        noteDebugException(cpu, bits);
        return this.#raise(new GuestFault(VECTOR.DB));
      }
    }
    state[STATE.EFLAGS >> 2] = flags & ~FLAG.RF;
    const held = state[STATE.DEBUG_TRAPS >> 2]!;
    const from = cpu.eip, before = this.#retired;
    cpu.stepDiscarded = false;
    if (careful) this.#watchedStep();
    else this.#step();
    if (this.#retired === before) {
      // A fault: what its instruction met before is forgotten with it.
      state[STATE.DEBUG_TRAPS >> 2] = held;
      return;
    }
    // A single-step trap follows each instruction that began with TF set and did not fault (Intel SDM volume 3, 17.3.1.4), but for those
    // that load SS, whose data breakpoints wait for the next boundary.
    if ((flags & FLAG.TF) === 0 || cpu.stepDiscarded || state[STATE.SHADOW >> 2] === SHADOW_STACK_SEGMENT) return;
    if (singleStepsBranches(cpu) && !this.#careful.branched(from)) return;
    state[STATE.DEBUG_TRAPS >> 2]! |= DR6.BS;
  }

  /** One instruction, decoded anew and run with the observer's eye on it. */
  #watchedStep(): void {
    let record: number;
    try {
      record = this.code.alone(this.cpu.eip);
    } catch (error) {
      return this.#fetchFailed(error);
    }
    this.#settle();
    this.#runFrom(record, 1);
  }

  /** Delivers the debug traps that wait. */
  #debugTrap(): void {
    const { cpu } = this, state = this.#state;
    this.#settle();
    noteDebugException(cpu, state[STATE.DEBUG_TRAPS >> 2]!);
    state[STATE.DEBUG_TRAPS >> 2] = 0;
    this.#exceptions[VECTOR.DB]!++;
    deliver(cpu, VECTOR.DB, -1, "trap");
    this.#afterTransfer();
  }

  /** Finds the record to go on with; delivers the fault of a fetch and returns 0. */
  #record(): number {
    if (this.#resume !== 0) return this.#resume;
    try {
      return this.code.enter(this.cpu.eip);
    } catch (error) {
      this.#fetchFailed(error);
      return 0;
    }
  }

  #fetchFailed(error: unknown): void {
    if (error instanceof GuestFault) this.#raise(error);
    else if (error instanceof UnbuiltFeature) this.#unbuilt = error.feature;
    else throw error;
  }

  /** A stay in emitted code. */
  #enter(budget: number): void {
    // Translated code is looked for where the interpreter would look for a record.
    const translated = this.#translator !== undefined && this.#resume === 0 && !this.#interpretNext;
    let record = 0;
    if (!translated || this.#decodeNext) {
      this.#interpretNext = this.#decodeNext = false;
      record = this.#record();
      if (record === 0) return;
      if (translated && !this.code.isScratch(record)) record = 0;
    }
    this.#goesOn = !this.#debugged;
    this.#runFrom(record, budget + this.#credit);
    this.#goesOn = false;
  }

  /** Delivers the fault of an instruction in the middle of a stay, if nothing else must be looked at: a STATUS. */
  #fault(entry: number): number {
    const state = this.#state, words = this.#words;
    const vector = state[STATE.FAULT_VECTOR >> 2]!;
    // An instruction that runs alone has a stop behind it.
    const alone = entry !== 0 && (words[(entry + RECORD.SIZE) >> 2]! & 0xffff) === CONTROL_CASE.STOP;
    if (!this.#goesOn || alone || vector < 0 || vector >= this.#exceptions.length) return STATUS.FAULT;
    const at = state[STATE.RECORD >> 2]!, credit = this.#credit;
    const position = this.#blocks.position(at);
    this.#setRip(at);
    this.#pendingFault();
    state[STATE.BUDGET >> 2]! -= position;
    this.#credit = credit;
    state[STATE.PENDING >> 2] = this.#interrupts.asserted ? PENDING_INTR : 0;
    return this.#attended || this.#unbuilt !== undefined || this.#late !== undefined ? STATUS.RESYNC : STATUS.JUMP;
  }

  /** The run loop must look at the machine before the next instruction. */
  get #attended(): boolean {
    const state = this.#state;
    return this.cpu.halted || this.cpu.shutdown || this.#stop || this.#interruptible ||
      (state[STATE.SHADOW >> 2]! | (state[STATE.EFLAGS >> 2]! & ATTENTION_FLAGS) | (state[DR7]! & DR7_BIT.ENABLES) |
          state[STATE.DEBUG_TRAPS >> 2]!) !== 0;
  }

  /** The stretch is as good as over for translated code. */
  #budgetBound = false;

  /** Runs emitted code with a budget that includes `#credit`, and settles the account afterwards. */
  #runFrom(record: number, given: number): void {
    const state = this.#state;
    this.#given = given;
    this.#resume = 0;
    state[STATE.BUDGET >> 2] = given;
    state[STATE.STI_BUDGET >> 2] = NO_BUDGET;
    state[STATE.STALE >> 2] = 0;
    this.#tellTime(given);
    this.#inside = true;
    let exit: number;
    try {
      exit = this.#interpreter.run(record);
    } finally {
      this.#inside = false;
      this.#blocks.restore();
    }
    this.#exits[exit]!++;
    const credit = this.#credit;
    this.#credit = 0;
    this.#retired += given - state[STATE.BUDGET >> 2]! - credit;
    this.#translated += state[STATE.TRANSLATED >> 2]! >>> 0;
    state[STATE.TRANSLATED >> 2] = 0;
    if (this.#retired >= this.#calmAt) this.#calm();
    switch (exit) {
      case EXIT.BUDGET:
        this.#resumeAt(state[STATE.RECORD >> 2]!);
        this.#keepShadow();
        break;
      case EXIT.BUDGET_RIP:
        this.#keepShadow();
        break;
      case EXIT.FAULT:
      case EXIT.SUSPEND: {
        const at = state[STATE.RECORD >> 2]!;
        this.#retired += this.#blocks.position(at);
        this.#setRip(at);
        if (exit === EXIT.FAULT) this.#pendingFault();
        // An interrupt between two iterations saves RF set (Intel SDM volume 3, 17.3.1.1).
        else if (!this.#leaving && !this.cpu.waits) state[STATE.EFLAGS >> 2]! |= FLAG.RF;
        this.#leaving = false;
        break;
      }
      case EXIT.DECODE:
        this.#decodeNext = true;
        break;
      case EXIT.HOT:
        this.#interpretNext = !this.#translator!.hot(this.cpu.eip, state[STATE.RECORD >> 2]!);
        break;
      case EXIT.STORM:
        this.#translator!.storm(this.cpu.eip);
        this.#interpretNext = true;
        break;
      case EXIT.REGION_BUDGET:
        this.#budgetBound = true;
        this.#keepShadow();
        break;
      case EXIT.STOP:
      case EXIT.RESYNC:
        break;
      default:
        throw new Error(`emitted code left with the unknown exit ${exit}`);
    }
    if (this.#debugged) this.#breakpoints.passed(this.#linear, exit === EXIT.SUSPEND);
  }

  /** Says how virtual time follows from the budget, for RDTSC in translated code; nobody moves the clock during a stay. */
  #tellTime(given: number): void {
    const course = this.#course?.();
    if (course === undefined) return;
    const clock = this.#clock;
    clock[CLOCK.TIME >> 3] = course.time;
    clock[CLOCK.RATE >> 3] = course.rate;
    clock[CLOCK.END >> 3] = this.#retired + given - this.#credit - course.retired;
  }

  #calm(): void {
    this.#calmAt = this.#retired + CALM_INTERVAL;
    this.code.pages.calm();
    this.#translator?.calm();
  }

  /** An emitted STI was the last instruction before the budget ended: what happens now waits for one more. */
  #keepShadow(): void {
    const state = this.#state;
    if (state[STATE.STI_BUDGET >> 2] === state[STATE.BUDGET >> 2]) state[STATE.SHADOW >> 2] = 1;
  }

  #pendingFault(): void {
    const state = this.#state;
    const vector = state[STATE.FAULT_VECTOR >> 2]!, error = state[STATE.FAULT_ERROR >> 2]!;
    state[STATE.FAULT_VECTOR >> 2] = NONE_PENDING;
    if (vector === REFUSED) {
      this.#refused = true;
      return;
    }
    // An unbuilt feature or an internal error is reported by `run`.
    if (vector !== UNBUILT) this.#raise(new GuestFault(vector, error));
  }

  #raise(fault: GuestFault): void {
    if (this.cpu.model.segmentOverrun) fault = segmentOverrun(this.cpu, fault, () => this.code.at(this.cpu.eip));
    this.#exceptions[fault.vector]!++;
    this.#faulted?.(fault);
    // What a faulting instruction has accessed does not count.
    if (this.#debugged) this.#takeHit();
    try {
      raise(this.cpu, fault);
    } catch (error) {
      if (!(error instanceof UnbuiltFeature)) throw error;
      this.#unbuilt = error.feature;
    }
    this.#afterTransfer();
  }

  /** Control went elsewhere behind the emitted code's back. */
  #afterTransfer(): void {
    this.#refused = false;
    this.cpu.waits = false;
    this.#resume = 0;
    this.#credit = 0;
    this.#checkMode();
  }

  /** Decoded code depends on the mode: the execute TLB holds only the current one's. */
  #checkMode(): boolean {
    const mode = this.#state[STATE.MODE >> 2]!;
    if (mode === this.#mode) return false;
    this.#mode = mode;
    this.memory.flushExecute();
    return true;
  }

  /** Goes on with a record whose address and EIP are known. */
  #resumeAt(record: number): void {
    this.#setRip(record);
    // Scratch records do not outlive their run.
    this.#resume = this.code.isScratch(record) ? 0 : record;
  }

  #setRip(record: number): void {
    const offset = this.#words[record >> 2]! >>> 16;
    this.cpu.eip = (this.#state[STATE.EIP_PAGE >> 2]! + offset) >>> 0;
  }

  /** Makes RIP hold, whichever way the last stay ended. */
  #settle(): void {
    this.#resume = 0;
    this.#credit = 0;
  }

  /** Retires exactly one instruction (or iteration), or delivers its fault. */
  #step(): void {
    let record = this.#record();
    if (record === 0) return;
    const words = this.#words, scratch = this.code.scratch + 2048;
    // Bookkeeping records are passed over.
    for (;;) {
      const number = words[record >> 2]! & 0xffff;
      if (number === CONTROL_CASE.BREAK) {
        const chained = words[(record + RECORD.IMMEDIATE) >> 2]!;
        record = chained !== 0 ? chained : record + RECORD.SIZE;
      } else if (number === CONTROL_CASE.LOOKUP) {
        this.#setRip(record);
        this.#settle();
        record = this.#record();
        if (record === 0) return;
      } else break;
    }
    this.#setRip(record);
    const before = this.#retired;
    let at = scratch, from = record;
    if ((words[from >> 2]! & 0xffff) === CONTROL_CASE.STRADDLE) {
      words.copyWithin(at >> 2, from >> 2, (from + RECORD.SIZE) >> 2);
      at += RECORD.SIZE;
      from += RECORD.SIZE;
    }
    words.copyWithin(at >> 2, from >> 2, (from + RECORD.SIZE) >> 2);
    const ends = this.#interpreter.ends(words[from >> 2]! & 0xffff);
    if (ends) words[(at + RECORD.A) >> 2] = (words[(at + RECORD.A) >> 2]! & ~0xff) | 1;
    const following = from + RECORD.SIZE;
    words[(at + RECORD.SIZE) >> 2] = CONTROL_CASE.STOP | (words[following >> 2]! & ~0xffff);
    const credit = ends ? 0 : this.#blocks.position(from) + 1;
    this.#credit = 0;
    this.#stale = false;
    this.#runFrom(scratch, 1);
    if (this.#retired !== before || this.#resume !== 0) return;
    // Left at the copied STOP: the instruction retired, and the original's successor follows.
    if (this.#state[STATE.RECORD >> 2] === at + RECORD.SIZE && this.#lastExit === EXIT.STOP) {
      this.#retired++;
      this.#setRip(at + RECORD.SIZE);
      if (!this.#stale && !this.code.isScratch(from)) {
        this.#resume = following;
        this.#credit = credit;
      }
    }
  }

  get #lastExit(): number {
    return this.#interpreter.lastExit;
  }

  /** An access that its window's quick check refused. */
  #segment(window: number, offset: number, kind: number): number {
    const segment = window === WINDOW.STACK ? SEG.SS : window & 7;
    try {
      return this.cpu.linear(segment, offset >>> 0, kind & 0xff, kind > 0xff);
    } catch (error) {
      this.#leaveFault(error);
      return 0;
    }
  }

  /** Whether MMX or SSE instructions may run: a UNIT value. Nonzero if the instruction must wait. */
  #admit(unit: number): number {
    try {
      if (unit === UNIT.MMX) return requireMmx(this.cpu) ? 0 : 1;
      requireSse(this.cpu);
    } catch (error) {
      this.#leaveFault(error);
    }
    return 0;
  }

  /** Leaves what was thrown in the state block, for emitted code to see. */
  #leaveFault(error: unknown): void {
    const state = this.#state;
    if (error instanceof GuestFault) {
      state[STATE.FAULT_VECTOR >> 2] = error.vector;
      state[STATE.FAULT_ERROR >> 2] = error.error;
      return;
    }
    state[STATE.FAULT_VECTOR >> 2] = UNBUILT;
    if (error instanceof UnbuiltFeature) this.#unbuilt = error.feature;
    else this.#internal = error;
  }

  /** Runs the TypeScript definition of a record's instruction. */
  #callout(record: number): number {
    const cpu = this.cpu, state = this.#state, words = this.#words;
    const page = state[STATE.EIP_PAGE >> 2]!;
    cpu.eip = (page + (words[record >> 2]! >>> 16)) >>> 0;
    const next = (page + (words[(record + RECORD.SIZE) >> 2]! >>> 16)) >>> 0;
    cpu.next = next;
    const kept = this.code.kept[words[(record + RECORD.IMMEDIATE) >> 2]! & KEPT_INDEX]!;
    this.#calloutCount++;
    try {
      if (kept instanceof GuestFault) throw kept;
      this.#calloutOf(kept)(cpu, kept);
    } catch (error) {
      this.#countExtra();
      if (cpu.taskSwitched && error instanceof GuestFault) {
        cpu.taskSwitched = false;
        this.#late = error;
        return STATUS.RESYNC;
      }
      this.#leaveFault(error);
      return STATUS.FAULT;
    }
    if (cpu.waits) return STATUS.SUSPEND;
    cpu.eip = cpu.next;
    this.#countExtra();
    const watched = this.#debugged && this.memory.watch?.hit !== undefined && this.memory.watch.refusing;
    if (!kept.form!.ends) return watched ? this.#leaveBefore(record + RECORD.SIZE) : STATUS.NEXT;
    // A port access may have raised a line that STI must notice.
    state[STATE.PENDING >> 2] = this.#interrupts.asserted ? PENDING_INTR : 0;
    return watched || this.#checkMode() || this.#attended ? STATUS.RESYNC : STATUS.JUMP;
  }

  /**
   * A device has been accessed as memory: it may have raised a line, or armed an alarm. As after a port access, that is looked at once the
   * instruction has retired.
   */
  #deviceAccessed(): void {
    if (!this.#inside) return;
    const leaves = this.#stop || this.#interruptible;
    this.#state[STATE.PENDING >> 2] = (this.#interrupts.asserted ? PENDING_INTR : 0) | (leaves ? PENDING_ATTENTION : 0);
    if (!leaves) return;
    this.#blocks.leaveOnceAfter(this.#state[STATE.RECORD >> 2]!);
    // If a region has called this instruction, it leaves after it.
    this.#state[STATE.STALE >> 2] = 1;
    this.memory.flushExecute();
  }

  /** A repeated string's iterations beyond the first, and those before one that faulted. */
  #countExtra(): void {
    const state = this.#state;
    const extra = state[STATE.EXTRA >> 2]!;
    if (extra === 0) return;
    state[STATE.EXTRA >> 2] = 0;
    state[STATE.BUDGET >> 2]! -= extra;
  }

  /** Makes emitted code leave after a callout, whose instruction does not end its block. */
  #leaveBefore(record: number): number {
    this.#leaving = true;
    this.#state[STATE.RECORD >> 2] = record;
    return STATUS.SUSPEND;
  }

  #calloutOf(instruction: Instruction): Callout {
    const callout = this.#callouts[instruction.form!.id];
    if (callout === undefined) throw new UnbuiltFeature(instruction.form!.mnemonic.toUpperCase());
    return callout;
  }

  /** Decoded code was written. If the running record is among those that are gone, what follows it must be decoded again. */
  #invalidated(gone: Gone): void {
    if (gone.length === 0) return;
    if (!this.#inside) return this.#settle();
    this.#stale = true;
    const record = this.#state[STATE.RECORD >> 2]!;
    if (isGone(gone, record)) this.#blocks.leaveAfter(record);
  }

  /** Where the CPU stands. */
  report(): VcpuReport {
    const cpu = this.cpu;
    return {
      cs: cpu.selector(SEG.CS),
      eip: cpu.eip,
      lastVector: cpu.lastVector,
      lastError: cpu.lastError,
      cr2: this.#state[STATE.CR2 >> 2]! >>> 0,
    };
  }

  /** The hottest regions of translated code, where they are counted. */
  regions(most: number): RegionReports | undefined {
    return this.#translator?.reports(most);
  }

  /** Counters since the CPU was made. */
  stats(): VcpuStats {
    const { fills, flushes, pageFlushes } = this.memory.counts;
    return {
      instructions: this.#retired,
      exits: Object.fromEntries(EXIT_NAMES.map((name, code) => [name, this.#exits[code]!]).filter(([, n]) => n !== 0)),
      tlb: { fills, flushes, pageFlushes },
      interrupts: this.#interruptCount,
      exceptions: Object.fromEntries(this.#exceptions.map((n, vector) => [vector, n]).filter(([, n]) => n !== 0)),
      decoded: this.code.decoded,
      codeInvalidations: this.code.pages.invalidations,
      arenaResets: this.code.pages.arenaResets,
      callouts: this.#calloutCount,
      ...(this.#translator ? { translated: this.#translated, translator: this.#translator.stats() } : {}),
    };
  }
}
