/**
 * What gdb's `monitor` command understands.
 *
 * @module
 */
import type { DebugTarget } from "./gdb_session.ts";

/** Told to who asks for help, or for something unknown. */
export const MONITOR_HELP = `monitor help                      this text
monitor reset                     reset the machine; it stands at its start. Then: maintenance flush register-cache
monitor physical ADDRESS LENGTH   show memory by physical address, LENGTH up to 1024 bytes
monitor step-interrupts on|off    whether a step may take an interrupt (off at first)
`;

/** The most bytes that are shown. */
const MOST_SHOWN = 1024;

/** Carries a command out. Returns what to show, or undefined for one that is not known. */
export async function monitorCommand(text: string, target: DebugTarget): Promise<string | undefined> {
  const [name, ...words] = text.trim().split(/\s+/);
  if (name === "reset" && words.length === 0) {
    await target.reset();
    return "The machine was reset. Tell gdb to forget the registers: maintenance flush register-cache\n";
  }
  if (name === "physical" && words.length === 2) {
    const address = wholeNumber(words[0]!), length = wholeNumber(words[1]!);
    if (address === undefined || length === undefined || address >= 2 ** 32 || length > MOST_SHOWN) return undefined;
    const bytes = await target.readMemory(address, length, true);
    return bytes.length === 0 ? "There is no memory at this address.\n" : dump(address, bytes);
  }
  if (name === "step-interrupts" && (words[0] === "on" || words[0] === "off") && words.length === 1) {
    await target.stepInterrupts(words[0] === "on");
    return "";
  }
  return undefined;
}

function wholeNumber(text: string): number | undefined {
  return /^(0x[0-9a-f]{1,8}|[0-9]{1,10})$/i.test(text) ? Number(text) : undefined;
}

/** Sixteen bytes a line. */
function dump(address: number, bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 16) {
    const digits = Array.from(bytes.subarray(at, at + 16), (byte) => byte.toString(16).padStart(2, "0"));
    text += `${(address + at).toString(16).padStart(8, "0")}  ${digits.join(" ")}\n`;
  }
  return text;
}
