/**
 * The instruction table's forms in groups, by what random programs do with them.
 *
 * @module
 */
import type { Form } from "../../x86/form.ts";
import { FORMS } from "../../x86/table/table.ts";

const TRANSFERS = new Set(
  "jcc jmp jmp_far call call_far ret ret_far iret loop loope loopne jcxz int int1 int3 into bound ud0 ud1 ud2".split(
    " ",
  ),
);
const STRINGS = new Set("movs cmps stos lods scas ins outs".split(" "));
const STACK = new Set("push pop pusha popa pushf popf enter leave push_segment".split(" "));

/** What a program that is to go on does not do at random. */
const DRASTIC = new Set(
  ("hlt lgdt lidt lldt ltr lmsw mov_to_control mov_to_debug wrmsr sysenter sysexit popf enter leave pop_segment " +
    "mov_to_segment load_far_pointer rsm").split(" "),
);
const FLAGS = new Set(
  ("add or adc sbb and sub xor cmp rcl rcr rol ror shl shr sar setcc cmovcc lahf sahf clc stc cmc inc dec neg shld shrd bt bts btr " +
    "btc bsf bsr mul imul test daa das aaa aas aad aam salc adcx adox cmpxchg xadd popcnt lzcnt tzcnt").split(" "),
);
const BASE = new Set([
  "i386",
  "i486",
  "p5",
  "p6",
  "tsc",
  "msr",
  "cx8",
  "sep",
  "cmov",
  "clfsh",
  "movbe",
  "popcnt",
  "adx",
  "lzcnt",
  "tzcnt",
]);

function group(test: (form: Form) => boolean): readonly Form[] {
  return FORMS.filter(test);
}

/** The escape opcodes D8 to DF, and WAIT. */
const floating = ({ opcode }: Form) => /^(9B|D[89A-F])( |$)/.test(opcode);
const base = (form: Form) => BASE.has(form.feature) && !floating(form);
const quiet = ({ semantics }: Form) => !TRANSFERS.has(semantics) && !STRINGS.has(semantics) && !DRASTIC.has(semantics);

/** Instructions with general registers. */
export const INTEGER: readonly Form[] = group((form) => base(form) && quiet(form));
/** Those that set or read flags. */
export const FLAG_FORMS: readonly Form[] = group(({ semantics }) => FLAGS.has(semantics));
/** x87. */
export const FLOATING: readonly Form[] = group(floating);
/** MMX and SSE. */
export const VECTORS: readonly Form[] = group((form) => !base(form) && !floating(form));
/** MOVS and the like. */
export const STRING_FORMS: readonly Form[] = group(({ semantics }) => STRINGS.has(semantics));
/** PUSH and the like. */
export const STACK_FORMS: readonly Form[] = group(({ semantics }) => STACK.has(semantics) && semantics !== "popf");
/** Everything. */
export const ALL: readonly Form[] = FORMS;
