import { assert, assertEquals } from "@std/assert";
import pc from "../../../host/pc.ts";
import { romStart } from "../../../plugins/rom.ts";
import { busyRom } from "../../../tests/busy_guest.ts";
import { allocateMemory, layoutMemory } from "../../memory/layout.ts";
import { AttentionWord } from "../../sandbox/ring.ts";
import { assemble, type Assembly } from "../assembly.ts";
import type { ResolvedDefinition } from "../definition.ts";
import { type LoadedPiece, romBytes } from "../pieces.ts";
import { RunLoop } from "../run_loop.ts";
import { fromJson, toJson } from "./plain.ts";

const MEMORY = 2 << 20;

const DEFINITION: ResolvedDefinition = {
  version: 1,
  memory: MEMORY,
  cpu: "max",
  engine: "interpreter",
  translateAfter: 100,
  countRegions: false,
  clock: { mode: "deterministic", date: Date.UTC(2000, 0, 1) },
  firmware: true,
  board: "",
  devices: [],
  backends: [],
  disks: [],
  serial: null,
  reset: "restart",
  script: [],
  stopAt: null,
  trace: [],
};

const PIECES: LoadedPiece[] = romStart({ name: "busy", bytes: busyRom() }).roms.map(({ address, bytes, name }) => {
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return { address, size: bytes.length, rom: true, name, bytes: shared };
});

/** The interpreter; and the translator, with code translated when it is first met, or later: in the middle of the program. */
const ENGINES = [
  {},
  { engine: "translator", translateAfter: 0 },
  { engine: "translator", translateAfter: 20 },
] as const satisfies readonly Partial<ResolvedDefinition>[];

/** A machine in this thread. */
class TestMachine {
  readonly parts: Assembly;
  text = "";
  readonly #memory: WebAssembly.Memory;
  readonly #layout = layoutMemory(MEMORY, romBytes(PIECES));

  constructor(engine: Partial<ResolvedDefinition> = {}) {
    this.#memory = allocateMemory(this.#layout);
    const init = {
      definition: { ...DEFINITION, ...engine },
      cpu: { kind: "reset" } as const,
      pieces: PIECES,
      plugins: { ses: "", plugins: [], absent: [], busy: new SharedArrayBuffer(4) },
      memory: this.#memory,
      layout: this.#layout,
    };
    const nothing = () => {};
    const parts: Assembly = this.parts = assemble(init as never, pc, {
      a20: (level) => parts.cpu.setA20(level),
      reset: nothing,
      intr: nothing,
      control: { powerOff: nothing, exit: nothing },
      serial: { write: (bytes) => void (this.text += new TextDecoder().decode(bytes)), ready: nothing },
      debug: { write: nothing, ready: nothing },
      failed: (error) => {
        throw error;
      },
      detached: nothing,
      typing: { receive: (bytes) => bytes.length },
      entropy: { available: false, fill: nothing },
    }, nothing);
  }

  powerOn(): this {
    this.parts.host.reset("power-on");
    this.parts.cpu.start({ kind: "reset" });
    return this;
  }

  /** Runs until `count` instructions have retired; a character is typed at each thousandth. */
  runTo(count: number): this {
    const { cpu, clock, board } = this.parts;
    while (cpu.retired < count) {
      const stop = Math.min(count, (Math.floor(cpu.retired / 1000) + 1) * 1000);
      const loop = new RunLoop({
        cpu,
        clock,
        interrupts: board.interrupts,
        deterministic: true,
        attention: new AttentionWord(),
        stopAt: stop,
        hostTime: () => 0,
        attend: () => {},
        safePoint: () => {},
      });
      loop.resume();
      assertEquals(loop.run()?.reason, "instructions");
      if (stop % 1000 === 0) board.serial.receive(Uint8Array.of(0x40 + stop / 1000 % 26));
    }
    return this;
  }

  save() {
    const { cpu, host } = this.parts;
    const image = JSON.stringify(toJson({ cpu: cpu.save(), retired: cpu.retired, bus: host.save() }));
    return { image, ram: this.#ram.slice() };
  }

  restore({ image, ram }: ReturnType<TestMachine["save"]>): this {
    const { cpu, retired, bus } = fromJson(JSON.parse(image)) as never;
    this.#ram.set(ram);
    this.parts.cpu.restore(cpu, retired);
    this.parts.host.restore(bus);
    return this;
  }

  /** All that a guest could notice. */
  everything() {
    const { cpu, host, clock } = this.parts;
    return { hash: cpu.stateHash(), retired: cpu.retired, time: clock.now(), bus: host.save() };
  }

  get #ram(): Uint8Array {
    return new Uint8Array(this.#memory.buffer, this.#layout.ram, MEMORY);
  }
}

Deno.test("saved at any instruction, a machine goes on as if nothing had been, under any engine", () => {
  const END = 30_000;
  const straight = new TestMachine().powerOn().runTo(END);
  const expected = straight.everything();
  assert(/[a-p]/.test(straight.text) && /[A-Z]/.test(straight.text), straight.text);

  for (const [number, engine] of ENGINES.entries()) {
    const saver = new TestMachine(engine).powerOn();
    for (let point = 400; point < END; point += 2477) {
      saver.runTo(point);
      const saved = saver.save();
      const restored = new TestMachine(ENGINES[(number + point) % ENGINES.length]).restore(saved);
      restored.text = saver.text;
      restored.runTo(END);
      assertEquals(restored.everything(), expected, `saved at ${point}`);
      assertEquals(restored.text, straight.text);
    }
    // The saves have not changed the machine that was saved.
    assertEquals(saver.runTo(END).everything(), expected);
    const { translated } = saver.parts.cpu.stats();
    if ("engine" in engine) assert(translated! > 0, `${translated} of ${END} were translated`);
  }
});

Deno.test("saved in an interrupt shadow and while halted, a machine goes on there", () => {
  const END = 8000;
  const expected = new TestMachine().powerOn().runTo(END).everything();
  const saver = new TestMachine().powerOn();
  let shadows = 0, halts = 0;
  for (let point = 2000; point < 5000 && (shadows < 3 || halts < 2); point++) {
    const { cpu } = saver.runTo(point).parts;
    const saved = saver.save();
    const { fields, halted } = JSON.parse(saved.image).cpu;
    const inShadow = !/^0*$/.test(fields.SHADOW);
    if (!(inShadow && shadows < 3) && !(halted && halts < 2)) continue;
    shadows += inShadow ? 1 : 0;
    halts += halted ? 1 : 0;
    assertEquals(cpu.cpu.halted, halted);
    assertEquals(new TestMachine().restore(saved).runTo(END).everything(), expected, `saved at ${point}`);
  }
  assert(shadows >= 3 && halts >= 2, `${shadows} shadows, ${halts} halts`);
});

Deno.test("a machine stops at exactly the instruction that it was asked for, in strides of any length", () => {
  const machine = new TestMachine().powerOn();
  let random = 1;
  for (let target = 500; target < 20_000;) {
    target += 1 + (random = (random * 48271) % 0x7fff_ffff) % 7;
    assertEquals(machine.runTo(target).parts.cpu.retired, target);
  }
});
