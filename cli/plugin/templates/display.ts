/**
 * A camera before the screen: the guest's picture as a file in the form of netpbm's PPM (P6), new after each update.
 */
import { backend } from "@bulkhead/bulkhead";

export default backend({
  id: "acme/camera",
  api: 1,
  version: 1,
  provides: "display",
  host: { picture: { kind: "file", access: "write", why: "it gets the guest's picture" } },
  open: ({ file, count }) => {
    const picture = file("picture");
    let width = 0, header = new Uint8Array();
    return {
      resize: (columns, rows) => {
        width = columns;
        header = new TextEncoder().encode(`P6\n${columns} ${rows}\n255\n`);
        picture.truncate(0);
        picture.write(0, header);
        picture.truncate(header.length + columns * rows * 3);
      },
      update: (rectangle, pixels) => {
        count("updates");
        for (let y = 0; y < rectangle.height; y++) {
          const row = new Uint8Array(rectangle.width * 3);
          for (let x = 0; x < rectangle.width; x++) {
            const from = (y * rectangle.width + x) * 4;
            row.set(pixels.subarray(from, from + 3), x * 3);
          }
          picture.write(header.length + ((rectangle.y + y) * width + rectangle.x) * 3, row);
        }
      },
      close: () => picture.flush(),
    };
  },
});
