/**
 * Emits a region as one WebAssembly function: general registers and lazy flags in locals, control flow structured, every slow path out.
 *
 * @module
 */
import { type Body, type FunctionRef, i32, type Local, type ModuleBuilder, type TableRef } from "../../wasm/mod.ts";
import { MODE, SEG, SEGMENT, STATE, TLB } from "../../x86/registers.ts";
import { SEMANTICS, type Value } from "../../x86/semantics/mod.ts";
import { EXIT } from "../interpreter/record.ts";
import { AREA, CELL, DISPATCH, emitEntryOffset, ENTRY, REGION_EXIT, REGION_PARAMETERS, registerSlot } from "./area.ts";
import { ConstantBinder } from "./constant_binder.ts";
import { type AccessGroup, groupAccesses, type InstructionAccesses } from "./coalescing.ts";
import { FlagPlaces } from "./flag_places.ts";
import type { RegionFrame } from "./frame.ts";
import { FLAG_WORDS, type FlagKind, LocalFlags, meet } from "./local_flags.ts";
import type { Outlines } from "./outlines.ts";
import { type Block, type Edge, type Region, type RegionInstruction, successors } from "./region.ts";
import { analyse, type Structure } from "./structure.ts";
import { type Knowledge, meetKnowledge, VectorFile } from "./vector_file.ts";
import { packExit, unpackExit, WayOut } from "./ways_out.ts";

/** What the regions of one module share. */
export interface RegionModule {
  readonly module: ModuleBuilder;
  readonly outlines: Outlines;
  /** Regions by slot. */
  readonly table: TableRef<"funcref">;
  /** The interpreter's loop, for one record. */
  readonly run: FunctionRef<readonly ["i32", "i32"], readonly ["i32"]>;
}

/** What emission asks for while it goes on. */
export interface RegionServices {
  /** Address of the CPU block. */
  readonly cpu: number;
  /** Address of the area for finding translations. */
  readonly area: number;
  /** Address of the chain cell for a target, an offset from the page's start. */
  cell(target: number): number;
  /** Address of the record of an instruction that is called. */
  record(item: RegionInstruction): number;
  /** Where regions are counted. */
  readonly gauge?: RegionGauge;
}

/** Counts what a region does, with code of its own wherever it is entered and left. */
export interface RegionGauge {
  /** The region is entered with a budget. */
  entered(body: Body, budget: Value): void;
  /** It is left, with what is left of the budget. */
  left(body: Body, budget: Value): void;
  /** An instruction's code begins. */
  mark(body: Body, item: RegionInstruction): void;
}

type Label = Parameters<Body["br"]>[0];

const nowhere = i32.const(0);

const REGION_RESULTS = ["i32"] as const;

const NO_ACCESSES: InstructionAccesses = { memory: undefined, stack: undefined };

/** Emits a region and returns its function. */
export function emitRegion(shared: RegionModule, region: Region, services: RegionServices): FunctionRef {
  return shared.module.function("region", REGION_PARAMETERS, REGION_RESULTS, (b, eip, budget, ...registers) => {
    latest = new RegionEmitter(b as unknown as Body, eip, budget, registers, shared, region, services);
    latest.emit();
  });
}

/** Kept as a specimen of all that it is made of, for V8: see SPECIMENS in `core/wasm/expression.ts`. */
let latest: RegionEmitter | undefined;

type PooledType = "i32" | "i64" | "v128";

class RegionEmitter {
  readonly #words: Map<number, Local<"i32">>;
  readonly #eipPage: Local<"i32">;
  /** A packed exit: see `packExit`. */
  readonly #exit: Local<"i32">;
  readonly #target: Local<"i32">;
  readonly #cell: Local<"i32">;
  readonly #flags: LocalFlags;
  readonly #structure: Structure;
  readonly #vectors: VectorFile;
  readonly #kinds: FlagKind[] = [];
  readonly #knowledge: (Knowledge | undefined)[] = [];
  readonly #kindKnown: boolean[] = [];
  readonly #labels: (Label | undefined)[] = [];
  readonly #pool: Record<PooledType, Local[]> = { i32: [], i64: [], v128: [] };
  readonly #used: Record<PooledType, number> = { i32: 0, i64: 0, v128: 0 };
  readonly #flat: boolean;
  readonly #places: FlagPlaces;
  /** The flags are in their locals; else where they were when the region was entered, in memory. */
  #flagsLocal = false;
  /** The present instruction sets all flags: they are in locals after it. */
  #replaced = false;
  #blockVariables = 0;
  /** By index: locals that keep their values to the present instruction's end. */
  readonly #steady: boolean[] = [];
  readonly #entries = new Map<AccessGroup, Local<"i32">>();
  readonly #blockPool: Local<"i32">[] = [];
  /** Where the exits go: with the flags in memory already, or in locals. */
  readonly #leaves: WayOut;
  readonly #chains = new WayOut();
  readonly #jumps = new WayOut();

  /** What the frame is about. */
  #node = 0;
  #blockNow: Block | undefined;
  #item: RegionInstruction | undefined;
  #position = 0;
  /** The present instruction has ended its block. */
  #ended = false;
  #binder: ConstantBinder | undefined;
  readonly #frame: { -readonly [K in keyof RegionFrame]: RegionFrame[K] };

  constructor(
    readonly body: Body,
    readonly eip: Local<"i32">,
    readonly budget: Local<"i32">,
    readonly registers: readonly Local<"i32">[],
    readonly shared: RegionModule,
    readonly region: Region,
    readonly services: RegionServices,
  ) {
    this.#words = new Map(FLAG_WORDS.map((offset) => [offset, body.local("i32")]));
    this.#eipPage = body.local("i32");
    this.#exit = body.local("i32");
    this.#leaves = new WayOut(this.#exit);
    this.#target = body.local("i32");
    this.#cell = body.local("i32");
    this.#flags = new LocalFlags({
      words: this.#words,
      set: (local, value) => body.set(local, value),
      let: (value) => {
        const local = this.#variable("i32") as Local<"i32">;
        body.set(local, value);
        return local.get();
      },
    });
    this.#flat = (region.place.mode & MODE.FLAT) !== 0;
    const graph: number[][] = [];
    for (const block of region.blocks) graph.push(successors(block));
    this.#structure = analyse(graph);
    this.#vectors = new VectorFile(body, services.cpu, region, this.#structure.loopHeader.includes(true));
    this.#places = new FlagPlaces(region.blocks, graph, this.#structure.irreducible);
    this.#frame = this.#makeFrame();
  }

  #state(offset: number): Value {
    return i32.load(nowhere, this.services.cpu + offset);
  }
  #setState(offset: number, value: Value): void {
    this.body.emit(i32.store(nowhere, value, this.services.cpu + offset));
  }

  #variable(type: PooledType): Local {
    const local = this.#pool[type][this.#used[type]++] ??= this.body.local(type);
    this.#steady[local.index] = false;
    return local;
  }

  emit(): void {
    this.#stubs([
      [this.#jumps, () => this.#jump()],
      [this.#chains, () => this.#chain()],
      [this.#leaves, () => this.#writeBack()],
    ], () => {
      this.#enter();
      this.#tree(0);
    });
  }

  /** Emits `inside`, whose exits branch to labels, and behind it what happens there: each by two ways, with flags to be stored or without. */
  #stubs(stubs: readonly (readonly [WayOut, () => void])[], inside: () => void): void {
    const [first, ...others] = stubs;
    if (first === undefined) return inside();
    const [way, emit] = first, { body } = this;
    way.around(body, () => this.#stubs(others, inside), () => this.#storeFlags());
    if (way.taken) emit();
    else body.unreachable();
  }

  #enter(): void {
    const { body, region } = this, { place } = region;
    this.services.gauge?.entered(body, this.budget.get());
    body.set(this.#eipPage, i32.sub(this.eip.get(), i32.const(place.offset)));
    this.#flagsLocal = this.#places.eager;
    if (this.#places.eager) this.#loadFlags();
    this.#vectors.load();
    if (!this.#flat) {
      // Inside the page no limit is checked, and with 16-bit EIPs none wraps.
      const last = i32.add(this.#eipPage.get(), i32.const(0xfff));
      const limit = (place.mode & MODE.D) !== 0
        ? this.#state(STATE.CS_LIMIT)
        : minimum(this.#state(STATE.CS_LIMIT), 0xffff);
      const wraps = i32.lt_u(last, i32.const(0xfff));
      this.#leaveAtIf(i32.or(wraps, i32.gt_u(last, limit)), place.offset, 0, REGION_EXIT.INTERPRET);
    }
    this.#checkBudget(place.offset, 0);
  }

  /** Leaves unless the budget covers the longest way to the next check. */
  #checkBudget(offset: number, retired: number): void {
    const enough = this.region.length + retired;
    this.#leaveAtIf(i32.le_s(this.budget.get(), i32.const(enough)), offset, retired, REGION_EXIT.BUDGET);
  }

  /** Leaves before the instruction at an offset, `retired` instructions of its block done. */
  #leaveAt(offset: number, retired: number, code: number): void {
    this.body.brWith(this.#leaves.take(this.#flagsLocal), packExit(offset, retired, code));
  }

  /** The same if a condition holds, which it seldom does. */
  #leaveAtIf(condition: Value, offset: number, retired: number, code: number): void {
    const exit = packExit(offset, retired, code);
    this.body.brIfWith(this.#leaves.take(this.#flagsLocal), exit, condition, "unlikely");
  }

  #writeBack(): void {
    const { body } = this, { offset, retired, code } = unpackExit(this.#exit.get());
    this.#storeRegisters();
    this.#vectors.store();
    this.#setState(STATE.RIP, i32.add(this.#eipPage.get(), offset));
    this.#setState(STATE.BUDGET, i32.sub(this.budget.get(), retired));
    this.services.gauge?.left(body, this.#state(STATE.BUDGET));
    body.return(code as never);
  }

  #storeRegisters(): void {
    this.registers.forEach((local, index) => this.#setState(registerSlot(index), local.get()));
  }

  #loadFlags(): void {
    for (const offset of FLAG_WORDS) this.body.set(this.#words.get(offset)!, this.#state(offset));
  }

  #storeFlags(): void {
    for (const offset of FLAG_WORDS) this.#setState(offset, this.#words.get(offset)!.get());
  }

  /** Goes on with the region of the target, if the cell's page is still there; else with whoever looks it up. */
  #chain(): void {
    const { body, region } = this;
    const slot = body.local("i32");
    body.set(slot, i32.const(region.place.user ? DISPATCH.USER : DISPATCH.SUPERVISOR));
    body.if(
      i32.eq(this.#executeEntry(this.#linearTarget()), i32.load(this.#cell.get(), CELL.INDEX)),
      () => body.set(slot, i32.load(this.#cell.get(), CELL.SLOT)),
      undefined,
      "likely",
    );
    this.#goOn(slot.get());
  }

  #linearTarget(): Value {
    if (this.#flat) return this.#target.get();
    return i32.add(this.#target.get(), this.#state(STATE.SEGMENTS + SEG.CS * SEGMENT.SIZE + SEGMENT.BASE));
  }

  /** The record index of the page that code at a linear address runs from. */
  #executeEntry(linear: Value): Value {
    const { services, region } = this;
    const tlb = services.cpu + (region.place.user ? TLB.USER : TLB.SUPERVISOR) + TLB.EXECUTE;
    return i32.load(i32.and(i32.shr_u(linear, i32.const(10)), i32.const(-4)), tlb);
  }

  /** Goes on with the region of a computed target. */
  #jump(): void {
    const { body, region, services } = this, { user } = region.place;
    const slot = body.local("i32"), key = body.local("i32"), entry = body.local("i32"), linear = body.local("i32");
    body.set(linear, this.#linearTarget());
    const place = i32.shl(i32.and(linear.get(), i32.const(0xfff)), i32.const(2));
    body.set(key, i32.add(this.#executeEntry(linear.get()), user ? i32.or(place, i32.const(1)) : place));
    body.set(entry, emitEntryOffset(key.get()));
    body.set(slot, i32.const(user ? DISPATCH.USER : DISPATCH.SUPERVISOR));
    // An empty entry's key is 0, and its slot the dispatcher's.
    const found = i32.eq(i32.load(entry.get(), services.area + AREA.HASH + ENTRY.KEY), key.get());
    const within = this.#flat ? found : i32.and(found, i32.le_u(this.#target.get(), this.#state(STATE.CS_LIMIT)));
    body.if(
      within,
      () => body.set(slot, i32.load(entry.get(), services.area + AREA.HASH + ENTRY.SLOT)),
      undefined,
      "likely",
    );
    this.#goOn(slot.get());
  }

  /** Becomes the function at a slot, at the target. */
  #goOn(slot: Value): void {
    const { body } = this;
    this.#vectors.store();
    this.services.gauge?.left(body, this.budget.get());
    const type = this.shared.module.type(REGION_PARAMETERS, REGION_RESULTS);
    body.returnCallIndirect(
      this.shared.table,
      type as never,
      slot,
      ...[this.#target, this.budget, ...this.registers].map((local) => local.get()) as never[],
    );
  }

  /** A node and what it dominates (Ramsey 2022, `doTree`). */
  #tree(node: number): void {
    const merges = this.#structure.children[node]!.filter((child) => this.#structure.merge[child]);
    if (this.#structure.loopHeader[node]) {
      this.body.loop((label) => {
        this.#labels[node] = label;
        this.#kindKnown[node] = true;
        this.#kinds[node] = undefined;
        this.#knowledge[node] = undefined;
        this.#flagsLocal = this.#places.at(node);
        this.#checkBudget(this.region.blocks[node]!.start, 0);
        this.#within(node, merges);
      });
      this.body.unreachable();
    } else this.#within(node, merges);
  }

  /** `merges`: the children that several edges lead to, in reverse postorder; each follows a block that its edges leave. */
  #within(node: number, merges: readonly number[]): void {
    const last = merges.at(-1);
    if (last === undefined) return this.#block(node);
    this.body.block((label) => {
      if (!this.#structure.loopHeader[last]) this.#labels[last] = label;
      else this.#fronts.set(last, label);
      this.#within(node, merges.slice(0, -1));
    });
    this.#tree(last);
  }

  /** Where forward edges to a merge that is also a loop's header go: in front of the loop. */
  readonly #fronts = new Map<number, Label>();

  #block(node: number): void {
    const block = this.region.blocks[node]!;
    this.#flags.kind = node === 0 || !this.#kindKnown[node] ? undefined : this.#kinds[node];
    this.#vectors.know(this.#knowledge[node]);
    const dead = this.#places.dead(node);
    const accesses = groupAccesses(block, this.#flat);
    this.#entries.clear();
    this.#blockVariables = 0;
    this.#flagsLocal = this.#places.at(node);
    let ended = false;
    block.instructions.forEach((item, position) => {
      this.#used.i32 = this.#used.i64 = this.#used.v128 = 0;
      this.#vectors.begin();
      this.#flags.dead = dead[position]!;
      this.services.gauge?.mark(this.body, item);
      if (!this.#flagsLocal && this.#places.touches(item, dead[position]!)) {
        if (!this.#places.replaces(item)) this.#loadFlags();
        this.#replaced = this.#places.replaces(item);
        if (!this.#replaced) this.#flagsLocal = true;
      }
      if (item.how === "called") this.#called(item, position);
      else ended = this.#inline(block, item, position, node, accesses[position]!);
      this.#flagsLocal ||= this.#replaced;
      this.#replaced = false;
      this.#flags.dead = false;
    });
    if (ended) return;
    this.#spend(block);
    this.#go(node, block.next!);
  }

  #spend(block: Block): void {
    const count = block.instructions.length;
    if (count > 0) this.body.set(this.budget, i32.sub(this.budget.get(), i32.const(count)));
  }

  /** Emits one instruction's description; true if it ended the block. */
  #inline(
    block: Block,
    item: RegionInstruction,
    position: number,
    node: number,
    accesses: InstructionAccesses,
  ): boolean {
    this.#node = node;
    this.#blockNow = block;
    this.#item = item;
    this.#position = position;
    this.#frame.accesses = accesses;
    this.#ended = false;
    const { instruction, offset } = item;
    this.#binder = new ConstantBinder(this.#frame, instruction, offset);
    SEMANTICS.get(instruction.form!.semantics)!(this.#binder);
    return this.#ended;
  }

  /** The frame of the present instruction, one object for all: blocks follow inside of what ends another one, which is over then. */
  #makeFrame(): { -readonly [K in keyof RegionFrame]: RegionFrame[K] } {
    const { body } = this;
    return {
      body,
      cpu: this.services.cpu,
      tlb: this.services.cpu + (this.region.place.user ? TLB.USER : TLB.SUPERVISOR),
      flat: this.#flat,
      eipPage: this.#eipPage,
      registers: this.registers,
      flags: this.#flags,
      vectors: this.#vectors,
      outlines: this.shared.outlines,
      accesses: NO_ACCESSES,
      entries: this.#entries,
      steady: this.#steady,
      blockVariable: () => this.#blockPool[this.#blockVariables++] ??= body.local("i32"),
      budgetAfter: () => i32.sub(this.budget.get(), i32.const(this.#position + 1)),
      leave: () => this.#leaveAt(this.#item!.offset, this.#position, REGION_EXIT.INTERPRET),
      leaveIf: (condition) => this.#leaveAtIf(condition, this.#item!.offset, this.#position, REGION_EXIT.INTERPRET),
      jump: (target) => {
        const block = this.#blockNow!, node = this.#node;
        body.set(this.#target, target);
        this.#spend(block);
        this.#own(node, block.targets);
        body.br(this.#jumps.take(this.#flagsLocal));
        this.#ended = true;
      },
      transfer: (target, user) => {
        body.set(this.#target, target);
        this.#spend(this.#blockNow!);
        if (this.#flagsLocal) this.#storeFlags();
        this.#goOn(i32.add(user, i32.const(DISPATCH.SUPERVISOR)));
        this.#ended = true;
      },
      branch: (condition) => {
        this.#branch(this.#node, this.#blockNow!, this.#item!, condition);
        this.#ended = true;
      },
      variable: ((type: PooledType) => this.#variable(type)) as RegionFrame["variable"],
    };
  }

  #branch(node: number, block: Block, item: RegionInstruction, condition: Value | undefined): void {
    const { body } = this, short = item.instruction.operandSize === 2;
    if (!condition) {
      this.#spend(block);
      return this.#go(node, block.taken!, short);
    }
    // The condition reads no budget.
    this.#spend(block);
    const kind = this.#flags.kind, flagsLocal = this.#flagsLocal;
    const { knowledge } = this.#vectors;
    body.if(condition, () => this.#go(node, block.taken!, short));
    this.#flags.kind = kind;
    this.#flagsLocal = flagsLocal;
    this.#vectors.know(knowledge);
    this.#go(node, block.next!);
  }

  /** Goes to one of the region's own blocks if that is the computed target. */
  #own(node: number, targets: readonly number[]): void {
    if (targets.length === 0) return;
    const kind = this.#flags.kind, flagsLocal = this.#flagsLocal;
    const { knowledge } = this.#vectors;
    const restore = () => {
      this.#flags.kind = kind;
      this.#vectors.know(knowledge);
      this.#flagsLocal = flagsLocal;
    };
    const offset = this.body.local("i32");
    this.body.set(offset, i32.sub(this.#target.get(), this.#eipPage.get()));
    const start = (to: number) => this.region.blocks[to]!.start;
    // By halves.
    const choose = (some: readonly number[]): void => {
      if (some.length <= 2) {
        for (const to of some) {
          this.body.if(
            i32.eq(offset.get(), i32.const(start(to))),
            () => this.#go(node, { to: "block", block: to }),
          );
          restore();
        }
        return;
      }
      const middle = some.length >> 1;
      this.body.if(
        i32.lt_u(offset.get(), i32.const(start(some[middle]!))),
        () => choose(some.slice(0, middle)),
        () => choose(some.slice(middle)),
      );
    };
    choose(targets.toSorted((a, b) => start(a) - start(b)));
  }

  /** Follows an edge. */
  #go(from: number, edge: Edge, short = false): void {
    if (edge.to === "outside") return this.#leaveTo(edge.target, short);
    const { order, loopHeader, merge, irreducible } = this.#structure;
    const to = edge.block;
    if (irreducible.has(from * this.region.blocks.length + to)) {
      return this.#leaveTo(this.region.blocks[to]!.start, short);
    }
    const back = order[to]! <= order[from]!;
    if (back) return this.body.br(this.#labels[to]!);
    this.#meet(to);
    if (!merge[to]) return this.#tree(to);
    this.body.br(loopHeader[to] ? this.#fronts.get(to)! : this.#labels[to]!);
  }

  #meet(to: number): void {
    if (this.#structure.loopHeader[to]) return;
    this.#kinds[to] = this.#kindKnown[to] ? meet(this.#kinds[to], this.#flags.kind) : this.#flags.kind;
    this.#kindKnown[to] = true;
    this.#knowledge[to] = meetKnowledge(this.#knowledge[to], this.#vectors.knowledge);
  }

  /** Leaves the region for an offset from the page's start. */
  #leaveTo(target: number, short: boolean): void {
    const eip = i32.add(this.#eipPage.get(), i32.const(target));
    this.body.set(this.#target, short ? i32.and(eip, i32.const(0xffff)) : eip);
    this.#leaveFor(this.services.cell(target));
  }

  #leaveFor(cell: number): void {
    this.body.set(this.#cell, i32.const(cell));
    this.body.br(this.#chains.take(this.#flagsLocal));
  }

  /** Has the interpreter carry out one instruction, between two of the region's. */
  #called(item: RegionInstruction, position: number): void {
    const { body, services } = this;
    const { form, length } = item.instruction;
    this.#storeRegisters();
    if (this.#flagsLocal) this.#storeFlags();
    this.#vectors.store();
    this.#setState(STATE.EIP_PAGE, this.#eipPage.get());
    this.#setState(STATE.BUDGET, position === 0 ? this.budget.get() : i32.sub(this.budget.get(), i32.const(position)));
    const status = this.#variable("i32") as Local<"i32">;
    body.set(
      status,
      body.call(this.shared.run, i32.const(services.cpu), i32.const(services.record(item))) as Value,
    );
    const gone = i32.and(i32.ne(status.get(), i32.const(EXIT.STOP)), i32.ne(status.get(), i32.const(EXIT.BUDGET)));
    body.if(
      gone,
      () => {
        services.gauge?.left(body, this.#state(STATE.BUDGET));
        body.return(status.get() as never);
      },
      undefined,
      "unlikely",
    );
    this.registers.forEach((local, index) => body.set(local, this.#state(registerSlot(index))));
    // The flags stay in memory, unless every block expects them in locals.
    this.#flagsLocal = this.#places.eager;
    if (this.#places.eager) this.#loadFlags();
    this.#vectors.load();
    this.#flags.kind = undefined;
    this.#entries.clear();
    // The record of an instruction that ends a block has taken itself off the budget.
    const before = position + (form!.ends ? 1 : 0);
    body.set(this.budget, i32.add(this.#state(STATE.BUDGET), i32.const(before)));
    const next = item.offset + length;
    this.#leaveAtIf(this.#state(STATE.STALE), next, position + 1, REGION_EXIT.LOOKUP);
    this.#checkBudget(next, position + 1);
  }
}

/** The smaller of a value and a constant, unsigned. */
function minimum(value: Value, constant: number): Value {
  return i32.sub(
    i32.const(constant),
    i32.mul(i32.lt_u(value, i32.const(constant)), i32.sub(i32.const(constant), value)),
  );
}
