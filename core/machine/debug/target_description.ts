/**
 * The target description that gdb reads: which registers there are (GDB manual, appendix G).
 *
 * @module
 */
import type { DebugRegister, RegisterFeature } from "./registers.ts";

/** Flag bits by name. */
type Flags = readonly (readonly [name: string, bit: number])[];

const EFLAGS: Flags = [
  ["CF", 0],
  ["", 1],
  ["PF", 2],
  ["AF", 4],
  ["ZF", 6],
  ["SF", 7],
  ["TF", 8],
  ["IF", 9],
  ["DF", 10],
  ["OF", 11],
  ["NT", 14],
  ["RF", 16],
  ["VM", 17],
  ["AC", 18],
  ["VIF", 19],
  ["VIP", 20],
  ["ID", 21],
];

const MXCSR: Flags = [
  ["IE", 0],
  ["DE", 1],
  ["ZE", 2],
  ["OE", 3],
  ["UE", 4],
  ["PE", 5],
  ["DAZ", 6],
  ["IM", 7],
  ["DM", 8],
  ["ZM", 9],
  ["OM", 10],
  ["UM", 11],
  ["PM", 12],
  ["FZ", 15],
];

/** Ways to look at an XMM register: name, element type, elements. */
const VECTORS = [
  ["v4f", "ieee_single", 4],
  ["v2d", "ieee_double", 2],
  ["v16i8", "int8", 16],
  ["v8i16", "int16", 8],
  ["v4i32", "int32", 4],
  ["v2i64", "int64", 2],
] as const;

/** Names of the members that gdb gives the union of these. */
const MEMBERS: Readonly<Record<string, string>> = {
  v4f: "v4_float",
  v2d: "v2_double",
  v16i8: "v16_int8",
  v8i16: "v8_int16",
  v4i32: "v4_int32",
  v2i64: "v2_int64",
};

function flags(id: string, fields: Flags): string {
  const lines = fields.map(([name, bit]) => `<field name="${name}" start="${bit}" end="${bit}"/>`);
  return `<flags id="${id}" size="4">${lines.join("")}</flags>`;
}

function vectorTypes(): string {
  const vectors = VECTORS.map(([id, type, count]) => `<vector id="${id}" type="${type}" count="${count}"/>`);
  const fields = VECTORS.map(([id]) => `<field name="${MEMBERS[id]}" type="${id}"/>`);
  return `${vectors.join("")}<union id="vec128">${fields.join("")}<field name="uint128" type="uint128"/></union>`;
}

/** Types that a feature's registers use and gdb does not know by itself. */
const TYPES: Readonly<Record<RegisterFeature, string>> = {
  "org.gnu.gdb.i386.core": flags("i386_eflags", EFLAGS),
  "org.gnu.gdb.i386.sse": vectorTypes() + flags("i386_mxcsr", MXCSR),
  "bulkhead.i386.system": "",
};

/** The document, for registers in the order of their numbers. */
export function targetDescription(registers: readonly DebugRegister[]): string {
  const features = [...new Set(registers.map(({ feature }) => feature))].map((feature) => {
    const lines = registers.filter((register) => register.feature === feature).map(({ name, bits, type, group }) =>
      `<reg name="${name}" bitsize="${bits}" type="${type}"${group === undefined ? "" : ` group="${group}"`}/>`
    );
    return `<feature name="${feature}">\n${
      [TYPES[feature], ...lines].filter((line) => line !== "").join("\n")
    }\n</feature>`;
  });
  return `<?xml version="1.0"?>
<!DOCTYPE target SYSTEM "gdb-target.dtd">
<target version="1.0">
<architecture>i386</architecture>
${features.join("\n")}
</target>
`;
}
