/**
 * A bare CPU with memory for tests that are programs: assembled, started in flat 32-bit protected mode, watched through ports.
 *
 * A program reports numbers at port E9h and ends at port F4h. Every exception is reported; the program then goes on at the address that
 * it put into `[resume]`, in ring 0 with the initial segments and stack, or, if that is 0, where the exception's frame says.
 *
 * @module
 */
import type { SystemBus } from "../../core/bus/system.ts";
import { Vcpu, type VcpuOptions } from "../../core/engine/vcpu.ts";
import { allocateMemory, layoutMemory } from "../../core/memory/layout.ts";
import { assemble } from "../../core/x86/assemble.ts";
import { gate, segment } from "../../core/x86/system/test_support.ts";

export { gate, segment };

/** Linear (and physical) addresses. */
export const AT = {
  IDT: 0x1000,
  GDT: 0x2000,
  LDT: 0x3000,
  TSS: 0x4000,
  /** Further task states, 100h bytes apart. */
  TASKS: 0x4800,
  STACK3: 0x6000,
  STACK0: 0x7000,
  STACK1: 0x7800,
  CODE: 0x8000,
  /** Free for the program's data: zero. */
  DATA: 0x2_0000,
  /** Free for page tables: zero. */
  TABLES: 0x4_0000,
} as const;

/** Selectors. Those from FREE on are the program's. */
export const SEL = {
  CODE0: 0x08,
  DATA0: 0x10,
  CODE3: 0x1b,
  DATA3: 0x23,
  TSS: 0x28,
  LDT: 0x30,
  CODE16: 0x38,
  DATA16: 0x40,
  CODE1: 0x49,
  DATA1: 0x51,
  FREE: 0x58,
} as const;

const RAM = 0x40_0000;
const IDT_LIMIT = 0x7ff;
const GDT_LIMIT = 0x7ff;

/** An exception that the program ran into. */
export interface Exception {
  readonly vector: number;
  /** 0 for vectors without one. */
  readonly error: number;
  readonly eip: number;
  readonly cs: number;
  readonly eflags: number;
  /** DR6 in the handler, which then clears it. */
  readonly dr6: number;
}

/** What a program reported: numbers and exceptions, in order. */
export type Event = number | Exception;

const WITH_ERROR = new Set([8, 10, 11, 12, 13, 14, 17]);

/** The exception handlers, at labels v0 to v31, and the cell `resume`. */
function handlers(): string {
  const stubs = Array.from({ length: 32 }, (_, n) =>
    `v${n}:${WITH_ERROR.has(n) ? "" : " push dword 0\n"}
    push dword ${n}
    jmp exception_common`);
  return `
    ${stubs.join("\n")}
exception_common:
    push eax
    push edx
    push ds
    mov eax, ${SEL.DATA0}
    mov ds, eax
    mov dx, 0e0h
    mov eax, [esp+12]
    out dx, eax
    mov eax, [esp+16]
    out dx, eax
    mov eax, [esp+20]
    out dx, eax
    mov eax, [esp+24]
    out dx, eax
    mov eax, [esp+28]
    out dx, eax
    mov eax, dr6
    out dx, eax
    xor eax, eax
    mov dr6, eax
    cmp dword [resume], 0
    jne exception_resume
    pop ds
    pop edx
    pop eax
    add esp, 8
    iretd
exception_resume:
    mov eax, ${SEL.DATA0}
    mov es, eax
    mov ss, eax
    mov esp, ${AT.STACK0}
    push dword 2
    popfd
    jmp dword [resume]
    align 4
resume: dd 0
`;
}

/** Ports: E0h takes an exception's fields, E9h a number, F4h the end. Others read as what was written last. */
class ReportBus implements SystemBus {
  readonly events: Event[] = [];
  ended = false;
  readonly latches = new Map<number, number>();
  /** Device memory read so far: physical addresses. */
  readonly mmio: number[] = [];
  readonly #fields: number[] = [];

  portRead(port: number, size: number): number {
    return (this.latches.get(port) ?? 0xffff_ffff) % 2 ** (8 * size);
  }
  portWrite(port: number, _size: number, value: number): void {
    if (port === 0xe9) this.events.push(value >>> 0);
    else if (port === 0xf4) this.ended = true;
    else if (port === 0xe0) this.#field(value >>> 0);
    else this.latches.set(port, value >>> 0);
  }
  #field(value: number): void {
    if (this.#fields.push(value) < 6) return;
    const [vector, error, eip, cs, eflags, dr6] = this.#fields.splice(0) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    this.events.push({ vector, error, eip, cs: cs & 0xffff, eflags, dr6 });
  }
  portReadBlock(port: number, size: number, into: Uint8Array): number {
    const value = this.portRead(port, size);
    for (let i = 0; i < into.length; i++) into[i] = value >>> (8 * (i % size));
    return into.length / size;
  }
  portWriteBlock(port: number, size: number, from: Uint8Array): number {
    for (let i = 0; i < from.length; i += size) this.portWrite(port, size, from[i]!);
    return from.length / size;
  }
  mmioRead(address: number, size: number): number {
    this.mmio.push(address);
    return 2 ** (8 * size) - 1;
  }
  mmioWrite(address: number): void {
    this.mmio.push(address);
  }
}

/** A CPU with a program. */
export class Bench {
  readonly vcpu: Vcpu;
  readonly bus = new ReportBus();
  readonly labels: Map<string, number>;
  readonly #view: DataView;
  readonly #interrupt = { asserted: false, vector: 0 };

  /** @param source The program, from its first instruction. */
  constructor(source: string, translate?: VcpuOptions["translate"]) {
    const layout = layoutMemory(RAM);
    const interrupt = this.#interrupt;
    this.vcpu = new Vcpu({
      memory: allocateMemory(layout),
      layout,
      ...(translate ? { translate } : {}),
      bus: this.bus,
      clock: { now: () => this.vcpu?.retired ?? 0, earlier: undefined },
      interrupts: {
        get asserted() {
          return interrupt.asserted;
        },
        acknowledge() {
          interrupt.asserted = false;
          return interrupt.vector;
        },
      },
    });
    this.#view = new DataView(this.vcpu.physical.buffer, layout.ram, layout.ramBytes);
    const end = "\nend_of_program: mov dx, 0f4h\n out dx, al\n cli\n hlt\n";
    const { bytes, labels } = assemble(`org ${AT.CODE}\nbits 32\n${source}${end}${handlers()}`);
    this.labels = labels;
    this.vcpu.physical.write(AT.CODE, bytes);
    this.#tables();
    this.vcpu.start({
      kind: "protected",
      eip: AT.CODE,
      registers: { esp: AT.STACK0 },
      gdt: { base: AT.GDT, limit: GDT_LIMIT },
      code: { selector: SEL.CODE0, base: 0, limit: 0xffff_ffff, attributes: 0xc0_9b00 },
      data: { selector: SEL.DATA0, base: 0, limit: 0xffff_ffff, attributes: 0xc0_9300 },
    });
    const { cpu } = this.vcpu;
    cpu.u32[336 >> 2] = AT.IDT;
    cpu.u32[344 >> 2] = IDT_LIMIT;
    cpu.loadSegmentCache(7, SEL.TSS, AT.TSS, 0x67 + 32 + 32, 0x8b00);
  }

  #tables(): void {
    this.describe(SEL.CODE0, segment(0, 0xfffff, 0x9b, 0xc));
    this.describe(SEL.DATA0, segment(0, 0xfffff, 0x93, 0xc));
    this.describe(SEL.CODE3, segment(0, 0xfffff, 0xfb, 0xc));
    this.describe(SEL.DATA3, segment(0, 0xfffff, 0xf3, 0xc));
    this.describe(SEL.TSS, segment(AT.TSS, 0x67 + 32 + 32, 0x8b, 0));
    this.describe(SEL.LDT, segment(AT.LDT, 0xff, 0x82, 0));
    this.describe(SEL.CODE16, segment(0, 0xffff, 0x9b, 0));
    this.describe(SEL.DATA16, segment(0, 0xffff, 0x93, 0));
    this.describe(SEL.CODE1, segment(0, 0xfffff, 0xbb, 0xc));
    this.describe(SEL.DATA1, segment(0, 0xfffff, 0xb3, 0xc));
    for (let n = 0; n < 32; n++) this.vector(n, gate(SEL.CODE0, this.at(`v${n}`), n === 3 || n === 4 ? 0xee : 0x8e));
    this.write32(AT.TSS + 4, AT.STACK0);
    this.write32(AT.TSS + 8, SEL.DATA0);
    this.write32(AT.TSS + 12, AT.STACK1);
    this.write32(AT.TSS + 16, SEL.DATA1);
    // The redirection bit map, then an I/O map of 256 ports, all clear.
    this.#view.setUint16(AT.TSS + 102, 0x68 + 32, true);
    this.#view.setUint8(AT.TSS + 0x68 + 32 + 31, 0xff);
  }

  /** Address of a label. */
  at(label: string): number {
    const address = this.labels.get(label);
    if (address === undefined) throw new Error(`no label ${label}`);
    return address;
  }

  /** Writes a GDT entry. */
  describe(selector: number, [low, high]: readonly [number, number]): void {
    this.write32(AT.GDT + (selector & 0xfff8), low);
    this.write32(AT.GDT + (selector & 0xfff8) + 4, high);
  }

  /** Writes an IDT entry. */
  vector(vector: number, [low, high]: readonly [number, number]): void {
    this.write32(AT.IDT + vector * 8, low);
    this.write32(AT.IDT + vector * 8 + 4, high);
  }

  read8(address: number): number {
    return this.#view.getUint8(address);
  }
  read16(address: number): number {
    return this.#view.getUint16(address, true);
  }
  read32(address: number): number {
    return this.#view.getUint32(address, true);
  }
  write8(address: number, value: number): void {
    this.#view.setUint8(address, value);
  }
  write16(address: number, value: number): void {
    this.#view.setUint16(address, value, true);
  }
  write32(address: number, value: number): void {
    this.#view.setUint32(address, value, true);
  }

  /** Asserts INTR with a vector until it is acknowledged. */
  interrupt(vector: number): void {
    this.#interrupt.asserted = true;
    this.#interrupt.vector = vector;
  }

  /** Runs to the program's end and returns what it reported. */
  run(limit = 200_000): Event[] {
    const { vcpu, bus } = this;
    while (!bus.ended) {
      const stop = vcpu.run(64, true);
      if (stop.reason !== "budget" && !bus.ended) {
        throw new Error(`the program stopped: ${JSON.stringify([stop, vcpu.report(), bus.events])}`);
      }
      if (vcpu.retired > limit) {
        throw new Error(`no end after ${limit} instructions: ${JSON.stringify(bus.events.slice(0, 20))}`);
      }
    }
    return bus.events;
  }
}

/** Runs a program. */
export function run(source: string, prepare: (bench: Bench) => void = () => {}): Event[] {
  const bench = new Bench(source);
  prepare(bench);
  return bench.run();
}

/** Assembly: reports EAX at port E9h. */
export const REPORT = "push edx\n mov dx, 0e9h\n out dx, eax\n pop edx\n";

/** Assembly: goes on at a label after the next exceptions, and reports none that is not one. */
export function onException(label: string): string {
  return `mov dword [resume], ${label}\n`;
}

/** Vector and error code of each exception; numbers as they are. */
export function summary(events: readonly Event[]): (number | [vector: number, error: number])[] {
  return events.map((event) => typeof event === "number" ? event : [event.vector, event.error]);
}

/** Assembly: enters ring 3 at a label, with EFLAGS given. */
export function toRing3(label: string, eflags = 2): string {
  return `
    mov eax, ${SEL.DATA3}
    mov ds, eax
    mov es, eax
    push eax
    push dword ${AT.STACK3}
    push dword ${eflags}
    push dword ${SEL.CODE3}
    push dword ${label}
    iretd
  `;
}

/** Assembly: sets bits of CR4. */
export function setCr4(bits: number): string {
  return `mov eax, cr4\n or eax, ${bits}\n mov cr4, eax\n`;
}

/** Assembly: sets bits of CR0. */
export function setCr0(bits: number): string {
  return `mov eax, cr0\n or eax, ${bits >>> 0}\n mov cr0, eax\n`;
}

/** Assembly: turns on paging with a directory at `at` and a table behind it that maps `pages` pages to themselves, for all rings. */
export function identityPages(at: number, pages: number): string {
  return `
    mov dword [${at}], ${at + 0x1000 + 7}
    mov edi, ${at + 0x1000}
    mov eax, 7
    mov ecx, ${pages}
    identity_fill: stosd
    add eax, 1000h
    loop identity_fill
    mov eax, ${at}
    mov cr3, eax
    ${setCr0(1 << 31)}
  `;
}
