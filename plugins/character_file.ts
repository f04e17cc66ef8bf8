/**
 * A serial port or console whose output goes to a file.
 *
 * @module
 */
import { backend } from "../core/bus/mod.ts";

/** The back end. */
export default backend({
  id: "bulkhead/character-file",
  api: 1,
  version: 1,
  provides: "character",
  host: { file: { kind: "file", access: "write", why: "it gets what the guest sends" } },
  open: ({ file }) => {
    const output = file("file");
    let at = 0;
    return {
      write: (bytes) => {
        output.write(at, bytes);
        at += bytes.length;
      },
      close: () => output.flush(),
    };
  },
});
