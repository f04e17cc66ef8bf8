/**
 * A raw disk image: a file whose bytes are the disk's.
 *
 * @module
 */
import { backend, BulkheadError } from "../core/bus/mod.ts";

/** The back end. */
export default backend({
  id: "bulkhead/raw-image",
  api: 1,
  version: 1,
  provides: "block",
  config: {
    readOnly: { default: false, doc: "the guest cannot write" },
    sectorBytes: { default: 512, min: 512, max: 4096, doc: "the unit of addressing, 512 or 4096 bytes" },
  },
  host: { image: { kind: "file", access: "read-write", why: "it is the disk's contents" } },
  open: ({ config, file }) => {
    const image = file("image"), bytes = image.size(), { sectorBytes, readOnly } = config;
    const refuse = (where: string, expected: string, found: string, remedy: string) => {
      throw new BulkheadError({ code: "bad-image", subject: "the raw image", where, expected, found, remedy });
    };
    if (sectorBytes !== 512 && sectorBytes !== 4096) {
      throw new BulkheadError({
        code: "bad-config",
        subject: "the raw image",
        where: "sectorBytes",
        expected: "512 or 4096",
        found: `${sectorBytes}`,
      });
    }
    if (bytes === 0) {
      refuse("size", "a disk of at least one sector", "an empty file", "make it as large as the disk is to be");
    }
    if (bytes % sectorBytes !== 0) {
      const remedy = "the file was cut off, or is no raw image";
      refuse("size", `whole sectors of ${sectorBytes} bytes`, `${bytes} bytes`, remedy);
    }
    return {
      bytes,
      sectorBytes,
      readOnly,
      read: (offset, into) => {
        const count = image.read(offset, into);
        if (count < into.length) {
          refuse(`offset ${offset + count}`, `${bytes} bytes`, "the end of the file", "it was cut off");
        }
      },
      write: (offset, from) => image.write(offset, from),
      flush: () => image.flush(),
      generation: () => image.stamp(),
    };
  },
});
