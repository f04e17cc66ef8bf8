import { AT, PORT, Rom, S } from "./rom.ts";
import { runRom } from "./run.ts";

/** Numbers that look random and are the same in every run. */
class Sequence {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed * 2654435761 + 12345) >>> 0;
  }
  below(limit: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % limit;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}

const WIDE = ["eax", "ecx", "edx", "ebx"], WORDS = ["ax", "cx", "dx", "bx"], BYTES = ["al", "ch", "dl", "bh"];

/** Code in RAM that the programs patch: each instruction of `victims` has its immediate rewritten. */
const VICTIMS = 6;

/** One random instruction, or a few that belong together. EBP stays at the data, ESP at its stack. */
function instruction(r: Sequence, label: string, base: number): string {
  const width = r.below(3);
  const register = r.pick([WIDE, WORDS, BYTES][width]!);
  const other = r.pick([WIDE, WORDS, BYTES][width]!);
  const size = ["dword", "word", "byte"][width]!;
  // Around the end of a page.
  const memory = `${size} [ebp + ${0xff0 + r.below(24)}]`;
  const binary = r.pick(["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp", "mov", "test"]);
  switch (r.below(22)) {
    case 0:
      return `${binary} ${register}, ${other}`;
    case 1:
      return `${binary} ${register}, ${r.below(0x7f)}`;
    case 2:
      return `${binary} ${memory}, ${register}`;
    case 3:
      return binary === "test" ? `test ${memory}, ${register}` : `${binary} ${register}, ${memory}`;
    case 4:
      return `${r.pick(["inc", "dec", "neg", "not"])} ${r.below(2) ? register : memory}`;
    case 5:
      return `${r.pick(["shl", "shr", "sar", "rol", "ror", "rcl", "rcr"])} ${r.below(2) ? register : memory}, ${
        1 + r.below(7)
      }`;
    case 6:
      return `push ${r.pick(WIDE)}\npop ${r.pick(WIDE)}`;
    case 7:
      return `j${
        r.pick(["o", "c", "z", "be", "s", "p", "l", "le", "no", "nc", "nz", "a", "ns", "np", "ge", "g"])
      } ${label}
        ${binary} ${register}, ${other}
        ${label}:`;
    case 8:
      return `mov ecx, ${1 + r.below(4)}\n${label}: add eax, ecx\nloop ${label}`;
    case 9:
      return `set${r.pick(["o", "c", "z", "be", "s", "p", "l", "le"])} ${r.pick(BYTES)}\nlahf`;
    case 10:
      return `cmov${r.pick(["o", "c", "z", "be", "s", "p", "l", "le"])} ${r.pick(WIDE)}, [ebp + ${
        0xff0 + r.below(24)
      }]`;
    case 11:
      return `lea edi, [ebp + ${0xfc0 + r.below(80)}]\nmov ecx, ${r.below(40)}\nrep ${
        r.pick(["stosb", "stosw", "stosd"])
      }`;
    case 12:
      return `lea esi, [ebp + ${0xfc0 + r.below(80)}]\nlea edi, [ebp + ${0xf80 + r.below(80)}]\nmov ecx, ${r.below(40)}
        rep ${r.pick(["movsb", "movsw", "movsd"])}`;
    case 13:
      return `lea edi, [ebp + ${0xfc0 + r.below(80)}]\nmov ecx, ${r.below(60)}\n${r.pick(["repe", "repne"])} ${
        r.pick(["scasb", "scasw", "scasd"])
      }`;
    case 14:
      return `${r.pick(["mul", "imul"])} ${r.below(2) ? register : memory}`;
    case 15:
      // A quotient that may not fit, a divisor that may be zero: the handler skips the two bytes.
      return `${r.pick(["div", "idiv"])} ${r.pick(WIDE.slice(1))}`;
    case 16:
      return `mov byte [victims + ${r.below(VICTIMS) * 5 + 1} - routine + ${base}], ${r.below(256)}`;
    case 17:
      return `call ${label}\njmp short ${label}_end\n${label}: ${binary} ${register}, ${other}\nret\n${label}_end:`;
    case 18:
      return `mov eax, ${r.below(40)}\nout ${PORT.INTERRUPT}, eax`;
    case 19:
      return r.pick(["sti", "cli", "cld", "clc", "stc", "cmc", "pushfd\npopfd", "pushad\npopad", "cdq", "cwde"]);
    case 20:
      return `${r.pick(["bt", "bts", "btr", "btc"])} ${r.pick(WIDE)}, ${r.below(32)}\nbsf edx, ecx`;
    default:
      return `mov dx, ${S.DATA0}\nmov ${r.pick(["ss", "fs", "gs"])}, dx`;
  }
}

/** An ES that is not quite flat: every access is then checked. */
const CHECKED = `mov dword [${AT.GDT + S.SMALL}], 0xfffe
  mov dword [${AT.GDT + S.SMALL + 4}], 0xcf9300
  mov ax, ${S.SMALL}
  mov es, ax`;

/** A program that copies itself to RAM (so that it can change) near a page's end, and runs `times` times. */
function program(seed: number): Rom {
  const r = new Sequence(seed);
  const rom = new Rom(`random program ${seed}`, "protected");
  // The code crosses one or two page ends.
  const base = AT.CODE + 0xe00 + r.below(0x200);
  const lines: string[] = [];
  for (let i = 0; i < 120; i++) {
    lines.push(instruction(r, `l${i}`, base));
    if (i % 25 === 13) {
      lines.push(`jmp victims_over${i}`);
      if (i === 13) {
        lines.push(
          `victims: ${
            Array.from({ length: VICTIMS }, () => `mov ${r.pick(WIDE)}, ${0x1000_0000 + r.below(1 << 27)}`).join("\n")
          }\nret`,
        );
      }
      lines.push(`victims_over${i}: call victims`);
    }
  }
  const gate = (vector: number, label: string) =>
    `mov dword [${AT.IDT + vector * 8}], (${label} & 0xffff) | ${S.CODE0 << 16}
     mov dword [${AT.IDT + vector * 8 + 4}], (${label} & 0xffff0000) | 0x8e00`;
  rom.code(`${gate(0, "skip")}\n${gate(0x20, "tick")}
    mov esi, routine
    mov edi, ${base}
    mov ecx, routine_end - routine
    rep movsb
    ${seed % 2 === 0 ? "" : CHECKED}
    mov ebp, ${AT.DATA}
    mov dword [0x700], 6
    again: mov ebx, ${base}
    call ebx
    dec dword [0x700]
    jnz again
    cli`);
  rom.apart(`routine: ${lines.join("\n")}
    ret
    routine_end:
    skip: add dword [esp], 2
    iretd
    tick: inc dword [0x704]
    push eax
    mov eax, [esp + 4]
    add [0x708], eax
    pop eax
    iretd`);
  return rom;
}

Deno.test("random programs end in the same state however they are cut into stretches", () => {
  for (let seed = 1; seed <= 10; seed++) runRom(program(seed));
});
