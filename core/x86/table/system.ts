/**
 * System, input/output and memory-ordering instructions (Intel SDM volume 1, 5.20; volume 3, 2.8).
 *
 * @module
 */
import { type Row, row } from "./row.ts";

const ends = true;

/** Descriptor tables, control and debug registers, MSRs, caches, fences, ports, mode switches. */
export const system: readonly Row[] = [
  row("E4", "in", "AL Ib", { ends }),
  row("E5", "in", "eAX Ib", { ends }),
  row("E6", "out", "Ib AL", { ends }),
  row("E7", "out", "Ib eAX", { ends }),
  row("EC", "in", "AL DX", { ends }),
  row("ED", "in", "eAX DX", { ends }),
  row("EE", "out", "DX AL", { ends }),
  row("EF", "out", "DX eAX", { ends }),
  row("F4", "hlt", "", { ends }),
  row("63 /r", "arpl", "Ew Gw"),
  row("0F 00 /0", "sldt", "Rv/Mw"),
  row("0F 00 /1", "str", "Rv/Mw"),
  row("0F 00 /2", "lldt", "Ew", { ends }),
  row("0F 00 /3", "ltr", "Ew", { ends }),
  row("0F 00 /4", "verr", "Ew"),
  row("0F 00 /5", "verw", "Ew"),
  row("0F 01 /0", "sgdt", "Ms"),
  row("0F 01 /1", "sidt", "Ms"),
  row("0F 01 /2", "lgdt", "Ms", { ends }),
  row("0F 01 /3", "lidt", "Ms", { ends }),
  row("0F 01 /4", "smsw", "Rv/Mw"),
  row("0F 01 /6", "lmsw", "Ew", { ends }),
  row("0F 01 /7", "invlpg", "M", { ends, feature: "i486" }),
  row("0F 02 /r", "lar", "Gv Ew"),
  row("0F 03 /r", "lsl", "Gv Ew"),
  row("0F 06", "clts", "", { ends }),
  row("0F 08", "invd", "", { ends, feature: "i486" }),
  row("0F 09", "wbinvd", "", { ends, feature: "i486" }),
  row("0F 20 /r", "mov", "Rd Cd", { semantics: "mov_from_control", ends }),
  row("0F 22 /r", "mov", "Cd Rd", { semantics: "mov_to_control", ends }),
  row("0F 21 /r", "mov", "Rd Dd", { semantics: "mov_from_debug", ends }),
  row("0F 23 /r", "mov", "Dd Rd", { semantics: "mov_to_debug", ends }),
  row("0F 30", "wrmsr", "", { ends, feature: "msr" }),
  row("0F 31", "rdtsc", "", { ends, feature: "tsc" }),
  row("0F 32", "rdmsr", "", { ends, feature: "msr" }),
  row("0F 33", "rdpmc", "", { ends, feature: "p6" }),
  row("0F 34", "sysenter", "", { ends, feature: "sep" }),
  row("0F 35", "sysexit", "", { ends, feature: "sep" }),
  row("0F A2", "cpuid", "", { ends, feature: "i486" }),
  row("0F AA", "rsm", "", { ends, feature: "p5" }),
  row("NP 0F AE /7", "clflush", "M", { feature: "clfsh" }),
  row("NP 0F AE E8+i", "lfence", "", { feature: "sse2" }),
  row("NP 0F AE F0+i", "mfence", "", { feature: "sse2" }),
  row("NP 0F AE F8+i", "sfence", "", { feature: "sse" }),
];
