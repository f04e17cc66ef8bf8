/**
 * The file of a disk's overlay: sectors that come into being when they are written. What they mean is the core's affair.
 *
 * @module
 */
import { backend, BulkheadError } from "../core/bus/mod.ts";

/** Bytes of the file's first sector, without which it is no overlay. */
const FIRST = 512;

/** The back end. */
export default backend({
  id: "bulkhead/overlay-file",
  api: 1,
  version: 1,
  provides: "block",
  host: { overlay: { kind: "file", access: "read-write", why: "it gets what is written to the disk" } },
  open: ({ file }) => {
    const overlay = file("overlay"), size = overlay.size();
    const refuse = (where: string, expected: string, found: string): never => {
      throw new BulkheadError({
        code: "overlay-damaged",
        subject: "the overlay",
        where,
        expected,
        found,
        remedy: "it was cut off, or is no overlay",
      });
    };
    // A new file becomes one sector of zeros, which says that it is new.
    if (size === 0) overlay.truncate(FIRST);
    else if (size < FIRST) refuse("size", `at least ${FIRST} bytes`, `${size}`);
    return {
      // The overlay of the largest disk fits.
      bytes: 2 ** 42,
      sectorBytes: 512,
      readOnly: false,
      read: (offset, into) => {
        const count = overlay.read(offset, into);
        if (count < into.length) {
          refuse(`offset ${offset + count}`, `${into.length - count} bytes more`, "the end of the file");
        }
      },
      write: (offset, from) => overlay.write(offset, from),
      flush: () => overlay.flush(),
    };
  },
});
