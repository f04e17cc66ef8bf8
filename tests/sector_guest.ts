/**
 * A guest with a disk of its own kind: writes a sector, makes it stable, reads the next one, and says how each of that went.
 *
 * @module
 */
import { type Program, program } from "./roms.ts";

/** A drive for one sector at a time, between its ports and a disk. */
export const DRIVE = `
  import { blockDisk, blockFrontEnd, device } from "@bulkhead/bulkhead";
  const REQUESTS = ["", "read", "write", "flush"];
  export default device({
    id: "acme/drive", api: 1, version: 1,
    needs: { ports: { io: { base: 0x510, size: 4 } }, uses: { disk: blockDisk }, provides: { front: blockFrontEnd } },
    state: () => ({ data: new Uint8Array(512), at: 0, status: 0, sector: 0 }),
    wire: ({ state, use }) => {
      const disk = use("disk");
      const submit = (command) => {
        Object.assign(state, { status: 0, at: 0 });
        const request = REQUESTS[command], data = request === "write" ? state.data.slice() : new Uint8Array(0);
        disk.submit(1, request, request === "flush" ? 0 : 512 * state.sector, request === "flush" ? 0 : 512, data);
      };
      return {
        regions: {
          io: [
            { name: "COMMAND", at: 0, width: 1, kind: "sync", write: submit },
            { name: "STATUS", at: 1, width: 1, kind: "sync", read: () => state.status },
            {
              name: "DATA", at: 2, width: 1, kind: "sync", readEffect: true,
              read: () => state.data[state.at++ & 511],
              write: (value) => { state.data[state.at++ & 511] = value; },
            },
            { name: "SECTOR", at: 3, width: 1, kind: "sync", write: (value) => { state.sector = value; } },
          ],
        },
        provides: {
          front: {
            complete: (tag, status, data) => {
              if (data.length === 512) state.data.set(data);
              state.status = status === "ok" ? 1 : 2;
            },
          },
        },
      };
    },
  });
`;

/** Begins a request, waits for its end and prints how it went: 1 for well, 2 for not. */
function request(code: Program, command: number): Program {
  code.out8(0x510, command);
  // mov dx, 511h; again: in al, dx; test al, al; jz again; add al, '0'
  return code.raw(0xba, 0x11, 0x05, 0xec, 0x84, 0xc0, 0x74, 0xfb, 0x04, 0x30).writeSerial();
}

/** Writes sector 0 full of W and makes it stable, reads sector 1 and prints its first two bytes. */
export function sectorGuest(): Program {
  const code = program().openSerial().out8(0x513, 0);
  // mov cx, 512; mov dx, 512h; mov al, 'W'; again: out dx, al; loop again
  code.raw(0xb9, 0x00, 0x02, 0xba, 0x12, 0x05, 0xb0, 0x57, 0xee, 0xe2, 0xfd);
  request(request(code, 2), 3).out8(0x513, 1);
  request(code, 1);
  // mov dx, 512h; in al, dx
  for (let byte = 0; byte < 2; byte++) code.raw(0xba, 0x12, 0x05, 0xec).writeSerial();
  return code;
}
