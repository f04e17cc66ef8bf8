/**
 * What hostile images try: to name another file. A disk's image is bytes, whatever format they look like, and an overlay is one of Bulkhead's
 * or none.
 *
 * @module
 */
import { encodeHeader } from "../../core/disk/overlay_format.ts";

/** One image. */
export interface HostileImage {
  /** What it tries, for the table. */
  readonly tries: string;
  /** Its first sector, which names another file by its path. */
  readonly sector: (path: string) => Uint8Array;
  /** The sentence that refuses it as an overlay; absent: it is none of Bulkhead's. */
  readonly refused?: RegExp;
}

/** A sector with texts and big-endian words at places. */
function sector(parts: Readonly<Record<number, string | number>>): Uint8Array {
  const bytes = new Uint8Array(512), view = new DataView(bytes.buffer);
  for (const [at, part] of Object.entries(parts)) {
    if (typeof part === "number") view.setUint32(Number(at), part);
    else bytes.set(new TextEncoder().encode(part), Number(at));
  }
  return bytes;
}

/** QEMU's format, version 2: where the name of the backing file is, its length, bits of a cluster, the disk's size. */
const qcow2 = (name: string) =>
  sector({ 0: "QFI", 3: 0xfb000000, 4: 2, 12: 128, 16: name.length, 20: 16, 28: 2048, 128: name });

/** A header of Bulkhead's overlay. */
const overlay = (base: string, bytes = 2048) =>
  encodeHeader("it", { bytes, sectorBytes: 512, id: new Uint8Array(16), generation: 1, base, committing: false });

/** All of them. */
export const IMAGES: readonly HostileImage[] = [
  { tries: "be a qcow2 image with another file behind it", sector: qcow2 },
  {
    tries: "be a qcow2 image with a protocol behind it",
    sector: (path) => qcow2(`json:{"driver":"raw","file":{"driver":"file","filename":"${path}"}}`),
  },
  { tries: "be a qcow2 image with a network's file behind it", sector: () => qcow2("nbd://127.0.0.1:10809/secret") },
  {
    tries: "be a VMDK description of other files",
    sector: (path) =>
      sector({
        0: `# Disk DescriptorFile\nversion=1\nparentCID=1\nparentFileNameHint="${path}"\nRW 4 FLAT "${path}" 0\n`,
      }),
  },
  {
    tries: "be a VHD that only tells differences",
    sector: (path) => sector({ 0: "conectix", 60: 4, 64: "cxsparse", 128: path }),
  },
  { tries: "be a QED image with another file behind it", sector: (path) => sector({ 0: "QED\0", 56: 128, 128: path }) },
  { tries: "be the name of another file", sector: (path) => sector({ 0: path }) },
  {
    tries: "be an overlay of another disk by its path",
    sector: overlay,
    refused: /expected .*contents|made for other contents|generation/,
  },
  {
    tries: "be an overlay of a larger disk",
    sector: (path) => overlay(path, 2 ** 40),
    refused: /expected|other/,
  },
  {
    tries: "be an overlay that colours its refusal",
    sector: (path) => overlay(`\x1b[2J\n${path}`),
    refused: /^\P{Cc}*$/u,
  },
];
