/**
 * A disk image whose file begins with a header, which the guest does not see.
 *
 * The file is 512 bytes of header, then the disk's sectors.
 */
import { backend, BulkheadError } from "@bulkhead/bulkhead";

const SECTOR = 512;
const HEADER = 512;

export default backend({
  id: "acme/headed-image",
  api: 1,
  version: 1,
  provides: "block",
  config: { readOnly: { default: false, doc: "the guest cannot write" } },
  host: { image: { kind: "file", access: "read-write", why: "it holds the disk's contents" } },
  open: ({ config, file }) => {
    const image = file("image");
    const bytes = image.size() - HEADER;
    if (bytes < SECTOR || bytes % SECTOR !== 0) {
      throw new BulkheadError({
        code: "bad-image",
        subject: "the image",
        where: "size",
        expected: `a header of ${HEADER} bytes and whole sectors of ${SECTOR}`,
        found: `${image.size()} bytes`,
        remedy: "make it a header and at least one sector long",
      });
    }
    return {
      bytes,
      sectorBytes: SECTOR,
      readOnly: config.readOnly,
      read: (offset, into) => {
        if (image.read(HEADER + offset, into) < into.length) throw new Error("the image was cut off");
      },
      write: (offset, from) => image.write(HEADER + offset, from),
      flush: () => image.flush(),
    };
  },
});
