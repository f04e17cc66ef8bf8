/**
 * A pianola: types what is in a file, when the machine starts. It knows lower-case letters, digits from 1, spaces and line ends.
 */
import { backend } from "@bulkhead/bulkhead";

/** USB HID Usage Tables, section 10, page 7. */
const A = 0x04, ONE = 0x1e, ZERO = 0x27, ENTER = 0x28, SPACE = 0x2c;

function usageOf(byte: number): number | undefined {
  if (byte >= 0x61 && byte <= 0x7a) return A + byte - 0x61;
  if (byte >= 0x31 && byte <= 0x39) return ONE + byte - 0x31;
  return new Map([[0x30, ZERO], [0x0a, ENTER], [0x20, SPACE]]).get(byte);
}

export default backend({
  id: "acme/pianola",
  api: 1,
  version: 1,
  provides: "input",
  host: { roll: { kind: "file", access: "read", why: "it holds what is typed" } },
  open: ({ port, file, count }) => {
    const roll = file("roll"), bytes = new Uint8Array(roll.size());
    roll.read(0, bytes);
    for (const byte of bytes) {
      const usage = usageOf(byte);
      if (usage === undefined) {
        count("unknown");
        continue;
      }
      port.key(usage, true);
      port.key(usage, false);
    }
    return {};
  },
});
