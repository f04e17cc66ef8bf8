/**
 * `bulkhead disasm`: x86 code as text.
 *
 * @module
 */
import { disassemble } from "../core/x86/disassemble.ts";
import { readGuestFile } from "../host/guest.ts";
import type { Command } from "./command.ts";
import { choice, optionHelp, type OptionTable, parseArguments, usage } from "./options.ts";
import { parseAddress, parseCount } from "./values.ts";

const TABLE: OptionTable = {
  bits: { value: "16|32", doc: "Width of the code. Default 32." },
  base: { value: "ADDRESS", doc: "Address of the file's first byte, such as 0x7c00. Default 0." },
  offset: { value: "BYTES", doc: "Begin at this offset in the file. Default 0." },
  length: { value: "BYTES", doc: "End after this many bytes. Default: the rest of the file." },
  json: { doc: "Print JSON: a list of address, hex and text." },
};

/** `bulkhead disasm`. */
export const command: Command = {
  usage: "FILE [options]",
  summary: "Print the instructions in a file of raw x86 code.",
  help: optionHelp(TABLE),
  run: async (argv) => {
    const args = parseArguments(argv, TABLE, 1);
    const path = args.operands[0];
    if (path === undefined) throw usage("disasm", "a file", "none", "see `bulkhead disasm --help`");
    const bits = choice(args.get("bits") ?? "32", "--bits", ["16", "32"]);
    const base = parseAddress(args.get("base") ?? "0", "--base");
    const offset = parseAddress(args.get("offset") ?? "0", "--offset");
    const length = args.has("length") ? parseCount(args.get("length")!, "--length") : undefined;
    const { bytes } = await readGuestFile(path, "file");
    if (bytes.length === 0) throw usage(`file "${path}"`, "x86 code", "an empty file");
    if (offset >= bytes.length) {
      throw usage("--offset", `an offset in the ${bytes.length} bytes of the file`, `${offset}`);
    }
    const code = bytes.subarray(offset, length === undefined ? undefined : offset + length);
    const lines = disassemble(code, { address: base + offset, bits: bits === "16" ? 16 : 32 });
    if (args.has("json")) console.log(JSON.stringify(lines, null, 2));
    else {console.log(
        lines.map(({ address, hex, text }) => `${address.toString(16).padStart(8, "0")}  ${hex.padEnd(22)}  ${text}`)
          .join("\n"),
      );}
    return 0;
  },
};
