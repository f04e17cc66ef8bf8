/**
 * A virtio disk.
 *
 * Virtual I/O Device 1.2 (OASIS), section 5.2; names are its own. Requests go to the disk as they come, many at a time, and are answered in
 * the order in which the disk finishes them.
 *
 * @module
 */

import {
  type BlockDisk,
  blockDisk,
  blockFrontEnd,
  type BlockRequest,
  type BlockStatus,
  device,
  type SyncRegister,
  type VirtioChain,
} from "../core/bus/mod.ts";

/** Feature bits (section 5.2.3). */
const FEATURE = { SIZE_MAX: 1, SEG_MAX: 2, RO: 5, BLK_SIZE: 6, FLUSH: 9, DISCARD: 13, WRITE_ZEROES: 14 } as const;

/** Request types (section 5.2.6). */
const TYPE = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8, DISCARD: 11, WRITE_ZEROES: 13 } as const;

/** Values of the status byte. */
const STATUS = { OK: 0, IOERR: 1, UNSUPP: 2 } as const;

const STATUS_BYTE: Readonly<Record<BlockStatus, number>> = {
  ok: STATUS.OK,
  error: STATUS.IOERR,
  unsupported: STATUS.UNSUPP,
};

/** The unit of `sector` and `capacity`, whatever the disk's own is. */
const SECTOR = 512;
/** struct virtio_blk_req up to its data: type, reserved, sector. */
const HEADER_BYTES = 16;
/** struct virtio_blk_discard_write_zeroes: sector, num_sectors, flags. */
const SEGMENT_BYTES = 16;
/** The device ID string. */
const ID_BYTES = 20;

const QUEUE_SIZE = 64;
/** Buffers of a request: all but its header and its status. */
const SEG_MAX = QUEUE_SIZE - 2;
const SIZE_MAX = 0x8000;
const REQUEST_BYTES = SEG_MAX * SIZE_MAX;
/** Longest discard or write of zeroes, in sectors. */
const ZEROES_MAX = 2 ** 22;

/** struct virtio_blk_config (section 5.2.4). */
const CONFIGURATION = {
  capacity: 0,
  size_max: 8,
  seg_max: 12,
  blk_size: 20,
  max_discard_sectors: 36,
  max_discard_seg: 40,
  discard_sector_alignment: 44,
  max_write_zeroes_sectors: 48,
  max_write_zeroes_seg: 52,
  write_zeroes_may_unmap: 56,
  BYTES: 60,
} as const;

/** A request that the disk has. */
interface Request {
  /** Device-writable bytes of its chain: the last one is the status. */
  readonly writable: number;
}

/** A virtio disk. */
export const virtioBlk = device({
  id: "bulkhead/virtio-blk",
  api: 1,
  version: 1,
  needs: {
    virtio: {
      type: 2,
      class: 0x018000,
      features: Object.values(FEATURE),
      queues: { requestq: { size: QUEUE_SIZE, readableBytes: HEADER_BYTES + REQUEST_BYTES } },
      configurationBytes: CONFIGURATION.BYTES,
    },
    uses: { disk: blockDisk },
    provides: { frontEnd: blockFrontEnd },
  },
  state: () => ({ requests: {} as Record<number, Request> }),
  wire({ state, use, virtio, count }) {
    const disk = use("disk"), requestq = virtio.queue("requestq");

    const answer = (tag: number, writable: number, status: number, data?: Uint8Array) => {
      if (data !== undefined) requestq.fill(tag, 0, data.subarray(0, writable - 1));
      requestq.fill(tag, writable - 1, Uint8Array.of(status));
      requestq.complete(tag, writable);
    };

    const submit = (
      { tag, writable }: VirtioChain,
      request: BlockRequest,
      offset: number,
      length: number,
      data: Uint8Array,
    ) => {
      if (offset + length > disk.bytes) return answer(tag, writable, STATUS.IOERR);
      count(request);
      state.requests[tag] = { writable };
      disk.submit(tag, request, offset, length, data);
    };

    const serve = (chain: VirtioChain) => {
      const { tag, readable, writable } = chain;
      if (readable.length < HEADER_BYTES || writable < 1) return virtio.fail("a request has no header or no status");
      const view = new DataView(readable.buffer, readable.byteOffset, readable.length);
      const type = view.getUint32(0, true), offset = sector(view, 8) * SECTOR;
      switch (type) {
        case TYPE.IN: {
          const length = writable - 1;
          if (length > REQUEST_BYTES) return answer(tag, writable, STATUS.IOERR);
          return submit(chain, "read", offset, length, new Uint8Array(0));
        }
        case TYPE.OUT: {
          const data = readable.subarray(HEADER_BYTES);
          return submit(chain, "write", offset, data.length, data);
        }
        case TYPE.FLUSH:
          return submit(chain, "flush", 0, 0, new Uint8Array(0));
        case TYPE.GET_ID:
          return answer(tag, writable, STATUS.OK, identity(disk));
        case TYPE.DISCARD:
        case TYPE.WRITE_ZEROES: {
          if (readable.length !== HEADER_BYTES + SEGMENT_BYTES) return answer(tag, writable, STATUS.UNSUPP);
          const sectors = view.getUint32(HEADER_BYTES + 8, true), flags = view.getUint32(HEADER_BYTES + 12, true);
          // Zeroes may be unmapped, nothing else is defined.
          if (flags > (type === TYPE.DISCARD ? 0 : 1)) return answer(tag, writable, STATUS.UNSUPP);
          if (sectors > ZEROES_MAX) return answer(tag, writable, STATUS.IOERR);
          const request = type === TYPE.DISCARD ? "discard" : "write-zeroes";
          return submit(chain, request, sector(view, HEADER_BYTES) * SECTOR, sectors * SECTOR, new Uint8Array(0));
        }
        default:
          return answer(tag, writable, STATUS.UNSUPP);
      }
    };

    const field = (name: string, at: number, read: () => number): SyncRegister => ({
      name,
      at,
      width: 4,
      kind: "sync",
      read,
    });
    const forget = () => {
      state.requests = {};
      disk.cancel();
    };
    return {
      virtio: {
        queues: { requestq: serve },
        offers: (feature) => feature === FEATURE.RO ? disk.readOnly : true,
        stopped: forget,
        queueStopped: forget,
        configuration: [
          field("capacity", CONFIGURATION.capacity, () => Math.floor(disk.bytes / SECTOR) % 2 ** 32),
          field("capacity_hi", CONFIGURATION.capacity + 4, () => Math.floor(disk.bytes / SECTOR / 2 ** 32)),
          field("size_max", CONFIGURATION.size_max, () => SIZE_MAX),
          field("seg_max", CONFIGURATION.seg_max, () => SEG_MAX),
          field("blk_size", CONFIGURATION.blk_size, () => disk.sectorBytes),
          field("max_discard_sectors", CONFIGURATION.max_discard_sectors, () => ZEROES_MAX),
          field("max_discard_seg", CONFIGURATION.max_discard_seg, () => 1),
          field(
            "discard_sector_alignment",
            CONFIGURATION.discard_sector_alignment,
            () => disk.sectorBytes / SECTOR,
          ),
          field("max_write_zeroes_sectors", CONFIGURATION.max_write_zeroes_sectors, () => ZEROES_MAX),
          field("max_write_zeroes_seg", CONFIGURATION.max_write_zeroes_seg, () => 1),
          { ...field("write_zeroes_may_unmap", CONFIGURATION.write_zeroes_may_unmap, () => 1), width: 1 },
        ],
      },
      provides: {
        frontEnd: {
          complete(tag, status, data) {
            const request = state.requests[tag];
            if (request === undefined) return;
            delete state.requests[tag];
            answer(tag, request.writable, STATUS_BYTE[status], status === "ok" && data.length > 0 ? data : undefined);
          },
        },
      },
      reset(kind) {
        if (kind === "hard") forget();
      },
    };
  },
});

/** A sector number of 64 bits. One beyond 2^53 is inexact, and beyond the end of every disk. */
function sector(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

/** The device ID string: up to 20 ASCII characters, with a NUL behind it if it is shorter. */
function identity({ id }: BlockDisk): Uint8Array {
  const bytes = new Uint8Array(ID_BYTES);
  bytes.set(new TextEncoder().encode(id).subarray(0, ID_BYTES));
  return bytes;
}

export default virtioBlk;
