/**
 * Decodes guest code into runs of records.
 *
 * A run starts at an address that was jumped to and goes on through conditional branches to the first unconditional one, the page's end,
 * or code that is decoded already. Each of its blocks ends in a record that holds the block's instruction count.
 *
 * @module
 */
import type { GuestMemory } from "../memory/guest_memory.ts";
import { GuestFault } from "../x86/fault.ts";
import { DECODE, decode, MAXIMUM_LENGTH } from "../x86/decode.ts";
import { Instruction, OPERAND } from "../x86/instruction.ts";
import type { CpuModel } from "../x86/models.ts";
import { MODE, SEG, SEGMENT, STATE, TLB, VECTOR } from "../x86/registers.ts";
import { FORMS } from "../x86/table/table.ts";
import type { Breakpoints } from "./breakpoints.ts";
import type { CodePage } from "./code_page.ts";
import { CodePages, hotAfter, SHORT_RUN } from "./code_pages.ts";
import { FIRST_ENDING_SLOT } from "./interpreter/module.ts";
import { BLOCK_LENGTH, CONTROL_CASE, KEPT_INDEX, RECORD } from "./interpreter/record.ts";
import { type CaseFinder, RecordWriter } from "./record_writer.ts";

/** Most records in a run, its end included. */
const RUN_RECORDS = 128;

/** What follows these is not reached from them, or seldom (INT3 pads code): the run ends there. */
const UNCONDITIONAL = new Set("jmp jmp_far ret ret_far iret hlt int1 int3 sysexit sysenter ud0 ud1 ud2".split(" "));

/** So many kept instructions that everything is decoded anew: a record has 24 bits for their number. */
const KEPT_LIMIT = KEPT_INDEX >> 1;

/** What a callout runs: an instruction, or the fault of bytes that are none. */
export type Kept = Instruction | GuestFault;

/** The decoded code of one virtual CPU. */
export class CodeCache {
  readonly pages: CodePages;
  /** Instructions and faults that callout records name by index. */
  readonly kept: Kept[] = [];
  /** Instructions decoded. */
  decoded = 0;
  readonly #writer: RecordWriter;
  readonly #model: CpuModel;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #state: Int32Array;
  readonly #memory: GuestMemory;
  /** The instruction that was decoded last. */
  readonly instruction: Instruction = new Instruction();
  /** Records outside the arena, for code that is run once: see `single`. */
  readonly #scratch: number;
  readonly #straddleBytes = new Uint8Array(2 * MAXIMUM_LENGTH);

  /**
   * @param memory The CPU's memory.
   * @param cpu Address of its block.
   * @param arena First byte of the record arena. @param arenaBytes Its size.
   * @param findCase Finds or emits the code of a shape.
   * @param model What processor it is, which decides what decodes.
   * @param breakpoints Where no run of records may go on.
   * @param hotAfter How often a branch is taken before its target is hot; 0 where nobody counts.
   */
  constructor(
    memory: GuestMemory,
    cpu: number,
    arena: number,
    arenaBytes: number,
    findCase: CaseFinder,
    model: CpuModel,
    readonly breakpoints: Breakpoints,
    readonly hotAfter: number = 0,
  ) {
    this.#model = model;
    this.#memory = memory;
    this.#bytes = memory.physical.bytes;
    this.#words = memory.physical.words;
    this.#state = new Int32Array(memory.physical.buffer, cpu, STATE.SIZE >> 2);
    this.#scratch = arena;
    this.pages = new CodePages(memory, arena + 4096, arenaBytes - 4096);
    this.#writer = new RecordWriter(
      this.#bytes,
      this.#words,
      FORMS,
      findCase,
      (instruction) => this.kept.push(instruction) - 1,
      model.calledOut,
      this.hotAfter,
    );
  }

  /** Where `single` puts its records. */
  get scratch(): number {
    return this.#scratch;
  }

  /** Four bytes of memory that the TLB reaches, without a trace of having looked. */
  peek32(linear: number, user: boolean): number | undefined {
    return this.#memory.peek32(linear, user);
  }

  /** The instruction at an offset of a page, a new one; undefined if none lies whole in it. */
  instructionAt(page: CodePage, offset: number, instruction = new Instruction()): Instruction | undefined {
    const host = (this.#memory.physical.lookup(page.page) & ~0xfff) >>> 0;
    const result = this.#decode(this.#bytes, host + offset, 4096 - offset, (page.mode & MODE.D) !== 0, instruction);
    return result === DECODE.OK ? instruction : undefined;
  }

  /** A record of one instruction with a stop behind it; 0 when the arena is full. */
  standalone(instruction: Instruction, offset: number, mode: number): number {
    const at = this.pages.take(2);
    if (at === 0) return 0;
    this.#writer.write(at, instruction, offset, mode);
    if (instruction.form!.ends) this.#bytes[at + RECORD.A] = 1;
    this.#control(at + RECORD.SIZE, CONTROL_CASE.STOP, offset + instruction.length, 0, 0);
    return at;
  }

  /** Whether a record is one of those that do not outlive their run. */
  isScratch(record: number): boolean {
    return record >= this.#scratch && record < this.#scratch + 4096;
  }

  /** Linear address of an EIP. */
  #linear(eip: number): number {
    return (eip + this.#state[(STATE.SEGMENTS + SEG.CS * SEGMENT.SIZE + SEGMENT.BASE) >> 2]!) >>> 0;
  }

  /**
   * Finds or makes the record at an EIP, enters the page into the execute TLB, and sets EIP_PAGE. Code in a page that the code segment's
   * limit cuts is decoded one instruction at a time, into the scratch records.
   *
   * @throws {GuestFault} #PF or #GP of the fetch, CR2 set.
   */
  enter(eip: number): number {
    const state = this.#state;
    const limit = state[STATE.CS_LIMIT >> 2]! >>> 0;
    if (eip > limit) throw new GuestFault(VECTOR.GP, 0);
    if (this.kept.length > KEPT_LIMIT) this.#makeRoom();
    const linear = this.#linear(eip), offset = linear & 0xfff;
    const known = this.#entered(linear);
    if (known !== 0) {
      state[STATE.EIP_PAGE >> 2] = eip - offset;
      return known;
    }
    const user = state[STATE.CPL >> 2] === 3;
    const physicalPage = this.#fetch(linear, user);
    if (physicalPage < 0) return this.single(eip);
    const mode = state[STATE.MODE >> 2]!;
    state[STATE.EIP_PAGE >> 2] = eip - offset;
    const lastInPage = eip - offset + 0xfff;
    if (lastInPage > limit) return this.single(eip);
    const page = this.#page(physicalPage, mode, this.breakpoints.variant(linear));
    this.#memory.enterExecute(linear, user, page.index);
    if (page.variant !== 0 && this.breakpoints.at(linear)) return this.single(eip);
    const record = this.#words[(page.index >> 2) + offset]!;
    if (record === 0) return this.#decodeRun(page, offset, linear, user);
    return this.#isStraddle(record) ? this.#straddle(page, offset, linear, user) : record;
  }

  /**
   * The record that emitted code would go on with at a linear address, or 0. Like emitted code this looks at no page table, so that it
   * does not matter where a stretch ends.
   */
  #entered(linear: number): number {
    const set = this.#state[STATE.TLB_SET >> 2]! + TLB.EXECUTE;
    const index = this.#words[(set >> 2) + (linear >>> 12)]!;
    const record = index === 0 ? 0 : this.#words[(index >> 2) + (linear & 0xfff)]!;
    return record === 0 || this.#isStraddle(record) ? 0 : record;
  }

  /**
   * The one instruction at an EIP, in the scratch records: the decoded code is neither used nor added to.
   *
   * @throws {GuestFault} #PF or #GP of the fetch, CR2 set.
   */
  alone(eip: number): number {
    if (eip > this.#state[STATE.CS_LIMIT >> 2]! >>> 0) throw new GuestFault(VECTOR.GP, 0);
    return this.single(eip);
  }

  /**
   * The instruction at an EIP; undefined where the bytes are none. It is overwritten by the next one that is decoded.
   *
   * @throws {GuestFault} #PF or #GP of the fetch, CR2 set.
   */
  at(eip: number): Instruction | undefined {
    this.alone(eip);
    return this.instruction.form === undefined ? undefined : this.instruction;
  }

  /** Physical page of code; its complement where there is no memory. */
  #fetch(linear: number, user: boolean): number {
    const entry = this.#memory.fetch(linear, user);
    if (entry === -1) {
      this.#state[STATE.CR2 >> 2] = linear;
      throw new GuestFault(VECTOR.PF, this.#memory.walker.errorCode);
    }
    const { frame } = this.#memory.walker;
    return entry === 0 ? ~frame : frame;
  }

  /** Code bytes of a page as `#fetch` gave it: devices, or nobody, answer where there is no memory. */
  #read(page: number, offset: number, into: Uint8Array): void {
    const memory = this.#memory;
    if (page >= 0) return memory.physical.read(page * 4096 + offset, into);
    for (let i = 0; i < into.length; i++) into[i] = memory.bus.mmioRead(~page * 4096 + offset + i, 1);
  }

  #page(physicalPage: number, mode: number, variant: number): CodePage {
    const page = this.pages.page(physicalPage, mode, variant);
    if (page) return page;
    this.#makeRoom();
    return this.pages.page(physicalPage, mode, variant)!;
  }

  #makeRoom(): void {
    this.pages.arenaResets++;
    this.reset();
  }

  /** Forgets all decoded code: everything is decoded anew as it is needed. */
  reset(): void {
    this.pages.reset();
    this.kept.length = 0;
  }

  #isStraddle(record: number): boolean {
    return (this.#words[record >> 2]! & 0xffff) === CONTROL_CASE.STRADDLE;
  }

  #decodeRun(page: CodePage, start: number, linear: number, user: boolean): number {
    // Code that is written again and again is not decoded far ahead of what is run.
    let short = this.pages.isRestless(page.page);
    let run = short ? this.pages.takePlace() : this.pages.take(RUN_RECORDS);
    if (run === 0) {
      this.#makeRoom();
      short = false;
      page = this.#page(page.page, page.mode, page.variant);
      this.#memory.fetch(linear, user);
      this.#memory.enterExecute(linear, user, page.index);
      run = this.pages.take(RUN_RECORDS);
    }
    const words = this.#words, index = page.index >> 2;
    const host = (this.#memory.physical.lookup(page.page) & ~0xfff) >>> 0;
    const big = (page.mode & MODE.D) !== 0;
    const instruction = this.instruction;
    const last = run + ((short ? SHORT_RUN : RUN_RECORDS) - 2) * RECORD.SIZE;
    let at = run, offset = start, count = 0;
    for (;;) {
      let fresh = false;
      if (count === 0 && offset < 4096) {
        // A block starts here: joined if it exists, registered if not.
        const known = words[index + offset]!;
        if (known !== 0 && offset !== start) {
          this.#control(at, CONTROL_CASE.BREAK, offset, 0, known);
          at += RECORD.SIZE;
          break;
        }
        fresh = true;
      } else if (offset < 4096 && words[index + offset]! !== 0) {
        this.#control(at, CONTROL_CASE.BREAK, offset, count, words[index + offset]!);
        at += RECORD.SIZE;
        break;
      }
      if (count > 0 && page.awaits(offset) && at < last) {
        // A branch leads here: a block of its own, so that nothing is decoded twice.
        this.#control(at, CONTROL_CASE.BREAK, offset, count, 0);
        at += RECORD.SIZE;
        count = 0;
        continue;
      }
      if (offset >= 4096 || at >= last || (offset !== start && this.#stops(page, offset))) {
        this.#control(at, CONTROL_CASE.LOOKUP, offset, count, 0);
        at += RECORD.SIZE;
        break;
      }
      const result = this.#decode(this.#bytes, host + offset, 4096 - offset, big, instruction);
      if (result === DECODE.NEED_MORE) {
        if (at === run) {
          if (short) this.pages.giveBackPlace(run);
          else this.pages.giveBack(run);
          return this.#straddle(page, offset, linear, user);
        }
        // A run of its own, once it is reached.
        this.#control(at, CONTROL_CASE.LOOKUP, offset, count, 0);
        at += RECORD.SIZE;
        break;
      }
      if (fresh) page.register(words, offset, at);
      count++;
      this.decoded++;
      if (result !== DECODE.OK) {
        at = this.#undefined(at, offset, count, result);
        offset += instruction.length;
        this.#control(at, CONTROL_CASE.LOOKUP, offset, 0, 0);
        at += RECORD.SIZE;
        break;
      }
      const record = at;
      const target = this.#writer.write(record, instruction, offset, page.mode);
      if (target >= 0) this.#chain(page, record, target, short);
      offset += instruction.length;
      at += RECORD.SIZE;
      const form = instruction.form!;
      if (form.ends) {
        this.#bytes[record + RECORD.A] = count;
        count = 0;
        if (UNCONDITIONAL.has(form.semantics)) {
          this.#control(at, CONTROL_CASE.LOOKUP, offset, 0, 0);
          at += RECORD.SIZE;
          break;
        }
      } else if (count === BLOCK_LENGTH) {
        this.#control(at, CONTROL_CASE.BREAK, offset, count, 0);
        at += RECORD.SIZE;
        count = 0;
      }
    }
    if (!short) this.pages.giveBack(at);
    page.add(start, offset, run, short ? run + SHORT_RUN * RECORD.SIZE : at);
    this.pages.cover(page.page, start, Math.min(offset, 4096));
    return run;
  }

  /** Whether there is a breakpoint at an offset. */
  #stops({ variant }: CodePage, offset: number): boolean {
    return variant !== 0 && this.breakpoints.at((variant - 1) * 4096 + offset);
  }

  /** Decodes as this processor does: an encoding that it lacks is undefined, or another instruction. */
  #decode(bytes: Uint8Array, at: number, available: number, big: boolean, instruction: Instruction): number {
    const { forms, maximumLength, locksAnything } = this.#model;
    const result = decode(bytes, at, available, big, instruction);
    const { form, length } = instruction;
    instruction.form = undefined;
    if (length > maximumLength) return DECODE.TOO_LONG;
    if (result !== DECODE.OK && !(result === DECODE.ILLEGAL_LOCK && locksAnything)) return result;
    if (!this.#hasSegments(instruction)) return DECODE.UNDEFINED;
    instruction.form = forms[form!.id];
    return instruction.form === undefined ? DECODE.UNDEFINED : DECODE.OK;
  }

  /** Whether the segment registers among the operands exist. */
  #hasSegments({ operands, count }: Instruction): boolean {
    const { segmentRegisters } = this.#model;
    if (segmentRegisters > SEG.GS) return true;
    return !operands.some(({ kind, register }, k) =>
      k < count && kind === OPERAND.SEGMENT && register >= segmentRegisters
    );
  }

  #chain(page: CodePage, branch: number, target: number, restless: boolean): void {
    const known = this.#words[(page.index >> 2) + target]!;
    if (known !== 0) this.#words[(branch + RECORD.IMMEDIATE) >> 2] = known;
    else page.wait(target, branch);
    if (restless && this.hotAfter !== 0) {
      const after = hotAfter(this.hotAfter, this.pages.restlessness(page.page, target));
      this.#words[(branch + RECORD.A) >> 2] = after << 16;
    }
  }

  #control(at: number, number: number, offset: number, count: number, immediate: number): void {
    const words = this.#words, word = at >> 2;
    words[word] = number | (offset << 16);
    words[word + 1] = count;
    words[word + 2] = 0;
    words[word + 3] = immediate;
  }

  /** A record that raises #UD, or #GP for an instruction that is too long. */
  #undefined(at: number, offset: number, count: number, result: number): number {
    const fault = result === DECODE.TOO_LONG ? new GuestFault(VECTOR.GP, 0) : new GuestFault(VECTOR.UD);
    this.#control(at, FIRST_ENDING_SLOT, offset, count, this.kept.push(fault) - 1);
    return at + RECORD.SIZE;
  }

  /**
   * An instruction that continues in the next page: its record stands behind a check that the next page is still the same one.
   * `linear` is the instruction's address.
   */
  #straddle(page: CodePage, offset: number, linear: number, user: boolean): number {
    const words = this.#words;
    const nextLinear = ((linear & ~0xfff) + 4096) >>> 0;
    const nextPage = this.#fetch(nextLinear, user);
    if (nextPage < 0) return this.single((this.#state[STATE.EIP_PAGE >> 2]! + offset) >>> 0);
    const following = this.pages.page(nextPage, page.mode, this.breakpoints.variant(nextLinear));
    const at = following ? this.pages.take(4) : 0;
    if (!following || at === 0) {
      this.#makeRoom();
      const again = this.#page(page.page, page.mode, page.variant);
      this.#fetch(linear, user);
      this.#memory.enterExecute(linear, user, again.index);
      return this.#straddle(again, offset, linear, user);
    }
    this.#fetch(nextLinear, user);
    this.#memory.enterExecute(nextLinear, user, following.index);
    const known = words[(page.index >> 2) + offset]!;
    if (known !== 0 && words[(known + RECORD.IMMEDIATE) >> 2] === following.index) {
      this.pages.giveBack(at);
      return known;
    }
    const bytes = this.#straddleBytes, here = 4096 - offset;
    const physical = this.#memory.physical;
    physical.read(page.page * 4096 + offset, bytes.subarray(0, here));
    physical.read(nextPage * 4096, bytes.subarray(here, here + MAXIMUM_LENGTH));
    const instruction = this.instruction;
    const result = this.#decode(bytes, 0, here + MAXIMUM_LENGTH, (page.mode & MODE.D) !== 0, instruction);
    this.decoded++;
    this.#control(at, CONTROL_CASE.STRADDLE, offset, 0, following.index);
    const record = at + RECORD.SIZE;
    let count = 0;
    if (result !== DECODE.OK) this.#undefined(record, offset, 1, result);
    else {
      this.#writer.write(record, instruction, offset, page.mode);
      if (instruction.form!.ends) this.#bytes[record + RECORD.A] = 1;
      else count = 1;
    }
    const end = offset + instruction.length;
    this.#control(record + RECORD.SIZE, CONTROL_CASE.LOOKUP, end, count, 0);
    this.pages.giveBack(record + 2 * RECORD.SIZE);
    page.register(words, offset, at);
    page.add(offset, end, at, record + 2 * RECORD.SIZE);
    this.pages.cover(page.page, offset, 4096);
    this.pages.cover(nextPage, 0, Math.max(end - 4096, 1));
    this.pages.straddle(page.page, nextPage);
    return at;
  }

  /**
   * Decodes one instruction into the scratch records, whatever the code segment's limit does to its page. The caller has checked that
   * `eip` is inside the limit.
   */
  single(eip: number): number {
    const state = this.#state;
    const limit = state[STATE.CS_LIMIT >> 2]! >>> 0;
    const user = state[STATE.CPL >> 2] === 3;
    const linear = this.#linear(eip), offset = linear & 0xfff;
    const bytes = this.#straddleBytes;
    const inside = Math.min(MAXIMUM_LENGTH, limit - eip + 1);
    const instruction = this.instruction;
    const mode = state[STATE.MODE >> 2]!;
    let available = Math.min(inside, 4096 - offset);
    this.#read(this.#fetch(linear, user), offset, bytes.subarray(0, available));
    let result = this.#decode(bytes, 0, available, (mode & MODE.D) !== 0, instruction);
    if (result === DECODE.NEED_MORE && available < inside) {
      const nextPage = this.#fetch(((linear & ~0xfff) + 4096) >>> 0, user);
      this.#read(nextPage, 0, bytes.subarray(available, inside));
      available = inside;
      result = this.#decode(bytes, 0, available, (mode & MODE.D) !== 0, instruction);
    }
    // What the limit cuts off is a fault of the fetch.
    if (result === DECODE.NEED_MORE) throw new GuestFault(VECTOR.GP, 0);
    const at = this.#scratch;
    this.decoded++;
    state[STATE.EIP_PAGE >> 2] = eip - offset;
    let count = 0;
    if (result !== DECODE.OK) this.#undefined(at, offset, 1, result);
    else {
      this.#writer.write(at, instruction, offset, mode);
      if (instruction.form!.ends) this.#bytes[at + RECORD.A] = 1;
      else count = 1;
    }
    this.#control(at + RECORD.SIZE, CONTROL_CASE.LOOKUP, offset + instruction.length, count, 0);
    return at;
  }
}
