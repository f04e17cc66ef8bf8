/**
 * Tries a back end on a bench: opens it with files of several kinds, and asks of it what a machine asks.
 *
 * @module
 */
import { type BackendBench, backendBench } from "../../bus/backend_bench.ts";
import type { AnyBackend } from "../../bus/backend_contract.ts";
import type {
  AudioBackend,
  BlockBackend,
  CharacterStream,
  DisplayBackend,
  FileShareBackend,
  NetworkBackend,
} from "../../bus/backend_kinds.ts";
import { whatThrown } from "../compartment.ts";
import type { TrialAnswer } from "./questions.ts";
import { RandomSource } from "./random.ts";

/** Requests to an opened back end. */
const REQUESTS = 300;

/** Milliseconds that opening, or one request, may take. */
const PATIENCE = 5000;

/** Contents that a file may have. A format of its own takes none of them; its own test has to show it then. */
function contents(random: RandomSource): Uint8Array[] {
  return [new Uint8Array(1 << 20), random.bytes((1 << 20) + 512), new Uint8Array(), random.bytes(777)];
}

/** Tries a back end. */
export async function tryBackend(backend: AnyBackend, seed: number): Promise<TrialAnswer> {
  const random = new RandomSource(seed);
  const failures: string[] = [];
  let tried = 0, opened = 0, refused: string | undefined;
  const files = Object.entries(backend.host ?? {}).flatMap(([name, right]) =>
    (right as { kind: string }).kind === "file" ? [name] : []
  );
  for (const bytes of contents(random)) {
    let bench: BackendBench;
    try {
      const given = Object.fromEntries(files.map((name) => [name, bytes]));
      bench = await soon(backendBench(backend, { files: given as never }), "it was opened") as unknown as BackendBench;
    } catch (error) {
      // To refuse a file is a back end's right: by an error, and in time.
      const why = whatThrown(error);
      if (error instanceof Late) failures.push(why);
      refused ??= why;
      continue;
    }
    opened++;
    try {
      tried += await requests(backend.provides, bench, random);
    } catch (error) {
      failures.push(whatThrown(error));
    }
    if (files.length === 0) break;
  }
  return { failures, tried, ...(opened > 0 || refused === undefined ? {} : { refused }) };
}

async function requests(kind: string, { backend }: BackendBench, random: RandomSource): Promise<number> {
  if (typeof backend !== "object" || backend === null) throw new TypeError(`open() returned ${typeof backend}`);
  const ask = (answer: unknown, what: string) => soon(Promise.resolve(answer), what);
  switch (kind) {
    case "block":
      await block(backend as BlockBackend, random);
      break;
    case "character":
      for (let request = 0; request < REQUESTS; request++) {
        await ask((backend as CharacterStream).write(random.bytes(1 + random.below(64))), "it was given characters");
      }
      break;
    case "network":
      for (let request = 0; request < REQUESTS; request++) {
        await ask((backend as NetworkBackend).send(random.bytes(14 + random.below(1500))), "it was given a frame");
      }
      break;
    case "display": {
      const display = backend as DisplayBackend;
      for (let request = 0; request < REQUESTS / 10; request++) {
        const width = 1 + random.below(200), height = 1 + random.below(200);
        await ask(display.resize(width, height), "the picture changed its size");
        const part = { x: random.below(width), y: random.below(height), width: 1, height: 1 };
        await ask(display.update(part, random.bytes(4)), "the picture changed");
      }
      break;
    }
    case "audio":
      for (let request = 0; request < REQUESTS / 10; request++) {
        const format = { rate: random.one([8000, 44_100, 192_000]), channels: random.one([1, 2] as const) };
        await ask((backend as AudioBackend).format(format), "the sound changed its form");
        await ask((backend as AudioBackend).play(random.bytes(format.channels * 2 * 50)), "it was given sound");
      }
      break;
    case "fileShare":
      await share(backend as FileShareBackend, random);
      break;
  }
  await ask((backend as CharacterStream).close?.(), "it was closed");
  return REQUESTS;
}

/** What was written is what is read, also after a flush. */
async function block(disk: BlockBackend, random: RandomSource): Promise<void> {
  const { bytes, sectorBytes, readOnly } = disk;
  const bad = (what: string) => new TypeError(what);
  if (sectorBytes !== 512 && sectorBytes !== 4096) throw bad(`sectors of ${sectorBytes} bytes instead of 512 or 4096`);
  if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes % sectorBytes !== 0) {
    throw bad(`a capacity of ${bytes} bytes, which is not whole sectors of ${sectorBytes}`);
  }
  const sectors = bytes / sectorBytes, known = new Map<number, Uint8Array>();
  for (let request = 0; request < REQUESTS; request++) {
    const first = random.below(sectors), count = Math.min(sectors - first, 1 + random.below(8));
    const data = random.bytes(count * sectorBytes), offset = first * sectorBytes;
    if (!readOnly && random.below(2) === 0) {
      await soon(Promise.resolve(disk.write(offset, data)), "it was written");
      for (let sector = 0; sector < count; sector++) {
        known.set(first + sector, data.slice(sector * sectorBytes, (sector + 1) * sectorBytes));
      }
    } else {
      await soon(Promise.resolve(disk.read(offset, data)), "it was read");
      for (let sector = 0; sector < count; sector++) {
        const read = data.slice(sector * sectorBytes, (sector + 1) * sectorBytes);
        const before = known.get(first + sector);
        if (before?.some((byte, index) => byte !== read[index])) {
          throw bad(`sector ${first + sector} is not what was there before`);
        }
        known.set(first + sector, read);
      }
    }
    if (random.below(20) === 0) await soon(Promise.resolve(disk.flush()), "it was flushed");
  }
}

async function share(shared: FileShareBackend, random: RandomSource): Promise<void> {
  const root = await soon(Promise.resolve(shared.list([])), "its root was listed");
  if (!Array.isArray(root)) throw new TypeError("list() returned no list");
  for (const name of [...root, "no such file"]) {
    const entry = await soon(Promise.resolve(shared.stat([name])), `"${name}" was looked at`);
    if (entry?.kind !== "file") continue;
    for (const offset of [0, entry.size, entry.size + 1, random.below(entry.size + 1)]) {
      const into = new Uint8Array(100);
      const count = await soon(Promise.resolve(shared.read([name], offset, into)), `"${name}" was read`);
      if (!(count >= 0 && count <= into.length)) throw new TypeError(`read() of "${name}" returned ${count}`);
    }
  }
}

/** It took too long. */
class Late extends Error {}

async function soon<T>(promise: Promise<T>, when: string): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Late(`it did not answer in ${PATIENCE / 1000} s when ${when}`)), PATIENCE);
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
