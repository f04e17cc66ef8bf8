/**
 * A typewriter: what the guest sends goes to a file, in capitals; each line is answered with its number.
 */
import { backend } from "@bulkhead/bulkhead";

const NEWLINE = 10;

export default backend({
  id: "acme/typewriter",
  api: 1,
  version: 1,
  provides: "character",
  config: { answer: { default: true, doc: "answer each line with its number" } },
  host: { paper: { kind: "file", access: "write", why: "it gets what the guest types" } },
  open: ({ config, port, file, count }) => {
    const paper = file("paper");
    let at = 0, lines = 0;
    return {
      write: async (bytes) => {
        const typed = bytes.map((byte) => byte >= 0x61 && byte <= 0x7a ? byte - 0x20 : byte);
        paper.write(at, typed);
        at += typed.length;
        for (const byte of bytes) {
          if (byte !== NEWLINE) continue;
          count("lines");
          lines++;
          if (config.answer) await port.receive(new TextEncoder().encode(`${lines}\n`));
        }
      },
      close: () => paper.flush(),
    };
  },
});
