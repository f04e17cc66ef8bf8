/**
 * A plugin's device in the virtual CPU's own thread: its text runs here, each of its functions behind a guard.
 *
 * What it throws or returns wrongly detaches it instead of ending the machine, and says who did what. A confined device gets objects made for
 * it instead of the core's own, and copies of bytes. An endless loop cannot be ended from inside its own thread: a word in shared memory says
 * which device runs, and the machine's process looks at it.
 *
 * @module
 */
import type { Needs, Width } from "../bus/claims.ts";
import type { AnyDevice, ResetKind } from "../bus/contract.ts";
import { BulkheadError } from "../bus/error.ts";
import { LIVE_STATE, type LiveState } from "../bus/live_state.ts";
import { describeGiven, type Harden, thrownBy, whatThrown } from "./compartment.ts";
import type { DeviceManifest, NeedsManifest } from "./description.ts";
import { FloodGate, levelOf } from "./flood_gate.ts";
import { revived } from "./known_interfaces.ts";
import { bytesOf, copyPlain } from "./plain.ts";
import { plainState } from "./plain_state.ts";
import { type Answer, buildWiring, readWiring } from "./wiring.ts";

/** How a device in this thread is held. */
export interface GuardOptions {
  /** The device, for sentences: `device "tally" (acme/tally)`. */
  readonly subject: string;
  /** What it declares. */
  readonly manifest: DeviceManifest;
  /** Freezes what it is given; absent: it is trusted, and given the core's own objects. */
  readonly harden?: Harden;
  /** A word that says which plugin runs, and its number in it. */
  readonly busy?: { readonly words: Int32Array; readonly index: number };
  /** Told once, when the device is detached. */
  readonly detached: (error: BulkheadError) => void;
}

const ONES = 0xffffffff;

type AnyFunction = (...args: unknown[]) => unknown;

/** The word that says which plugin runs: 0, or the plugin's number above a count of its entries, which tells one access from another. */
export const BUSY = { ENTRIES: 0xf_ffff, BYTES: 64 } as const;

/** The number of the plugin that runs, from the word; 0 if none does. */
export function busyPlugin(word: number): number {
  return Math.floor(word / (BUSY.ENTRIES + 1));
}

/** Puts a device of this thread behind a guard. */
export function guardDevice(device: AnyDevice, options: GuardOptions): AnyDevice {
  return new Guard(device, options).guarded();
}

class Guard {
  readonly #device: AnyDevice;
  readonly #options: GuardOptions;
  readonly #words: Int32Array;
  readonly #mark: number;
  readonly #flood: FloodGate;
  readonly #status = { failed: false, entries: 0 };

  constructor(device: AnyDevice, options: GuardOptions) {
    this.#device = device;
    this.#options = options;
    this.#words = options.busy?.words ?? new Int32Array(BUSY.BYTES / 4);
    this.#mark = (options.busy?.index ?? 1) * (BUSY.ENTRIES + 1);
    this.#flood = new FloodGate(() => this.#detach("it logged without end"));
  }

  guarded(): AnyDevice {
    const device = this.#device, { manifest } = this.#options;
    return {
      id: manifest.id,
      api: manifest.api,
      version: manifest.version,
      config: manifest.config,
      latches: manifest.latches,
      needs: this.#needs(),
      state: (config: never) => this.#named("its state was made", () => this.#plain(device.state(config))),
      migrate: Object.fromEntries(
        manifest.migrates.map((from) => [
          from,
          (old: unknown) => this.#named("its state was migrated", () => this.#plain(device.migrate![from]!(old))),
        ]),
      ),
      wire: (ctx: never) => this.#named("it was wired", () => this.#wire(ctx)),
    } as unknown as AnyDevice;
  }

  /** What counts is what was agreed to: a device that runs may show other claims than one that is looked at. */
  #needs(): Needs {
    const { harden, manifest } = this.#options;
    if (harden === undefined) return this.#device.needs;
    const { uses, provides, ...rest } = manifest.needs;
    const interfaces = (what: "uses" | "provides", described: typeof uses) =>
      described === undefined ? {} : { [what]: this.#interfaces(what, described) };
    return { ...rest, ...interfaces("uses", uses), ...interfaces("provides", provides) } as Needs;
  }

  #interfaces(what: "uses" | "provides", described: NonNullable<NeedsManifest["uses"]>): Needs["uses"] {
    return revived(described, (use, member) => (...args: unknown[]) => {
      const kinds = this.#device.needs[what] as Record<string, { unconnected: Record<string, unknown> }>;
      return this.#run(() => copyPlain((kinds[use]!.unconnected[member] as AnyFunction)(...args)), `${use}.${member}`);
    });
  }

  /** Does what the machine cannot do without. @throws {BulkheadError} `plugin-threw`. */
  #named<T>(what: string, run: () => T): T {
    const before = this.#enter();
    try {
      return run();
    } catch (error) {
      throw thrownBy(this.#options.subject, what, error);
    } finally {
      this.#words[0] = before;
    }
  }

  /** A confined device's state is a copy: what comes of it later runs nothing of the device's. */
  #plain(state: unknown): object {
    const { harden, subject } = this.#options;
    return harden === undefined ? state as object : plainState(subject, state);
  }

  #wire(ctx: { readonly state: object }): object {
    const { harden, manifest } = this.#options;
    if (harden !== undefined && !Object.hasOwn(ctx.state, LIVE_STATE)) {
      // The device may have put anything into its state since.
      const value: LiveState = () => this.#named("its state was saved", () => this.#plain({ ...ctx.state }));
      Object.defineProperty(ctx.state, LIVE_STATE, { value });
    }
    const given = harden === undefined ? ctx : this.#confined(ctx, harden);
    const { description, answers } = readWiring(this.#device.wire(given as never), manifest.needs);
    const copied = harden !== undefined;
    return buildWiring(description, {
      slot: (index, name) => this.#slot(answers.slots[index]!, name, copied),
      input: (index, name) => {
        const sink = answers.inputs[index] ?? (() => {});
        return (level) => void this.#run(() => sink(level), `input ${name}`);
      },
      provided: (index, name) => {
        const peer = answers.provides[index] ?? {};
        const result: Record<string, unknown> = {};
        for (const [member, what] of Object.entries(manifest.needs.provides?.[name]?.members ?? {})) {
          const pass = copied ? copyPlain : (value: unknown) => value;
          if ("method" in what) {
            const method = peer[member] as ((...args: unknown[]) => unknown) | undefined;
            if (method === undefined) continue;
            result[member] = (...args: unknown[]) =>
              this.#run(() => pass(method(...args.map(pass))), `${name}.${member}`);
          } else {
            Object.defineProperty(result, member, {
              enumerable: true,
              get: () => this.#run(() => pass(peer[member]), `${name}.${member}`),
            });
          }
        }
        return result;
      },
      reset: (kind: ResetKind) => void this.#run(() => answers.reset?.(kind), "its reset"),
      queues: Object.keys(manifest.needs.virtio?.queues ?? {}),
      queue: (index, name, chain) => void this.#run(() => answers.queues[index]!(chain), `queue ${name}`),
      offers: (feature) => this.#run(() => !!answers.offers?.(feature), "its features") === true,
      event: (what, queue) => {
        const name = Object.keys(manifest.needs.virtio?.queues ?? {})[queue]!;
        this.#run(() => answers[what]?.(name), what);
      },
    });
  }

  #slot(answer: Answer, name: string, copied: boolean) {
    const { read, write, readBlock, writeBlock } = answer;
    const words = this.#words, mark = this.#mark, status = this.#status;
    const returned = (value: unknown) => this.#returned(value, name),
      threw = (error: unknown) => this.#threw(error, name);
    return {
      // Written out, as these are what a guest's accesses wait for.
      read: (offset: number, width: Width): number => {
        if (status.failed) return ONES;
        const before = words[0]!;
        words[0] = mark + (++status.entries & BUSY.ENTRIES);
        try {
          const value = read!(offset, width);
          words[0] = before;
          return typeof value === "number" && value === value ? value : returned(value);
        } catch (error) {
          const ones = threw(error);
          words[0] = before;
          return ones;
        }
      },
      write: (offset: number, width: Width, value: number): void => {
        if (status.failed) return;
        const before = words[0]!;
        words[0] = mark + (++status.entries & BUSY.ENTRIES);
        try {
          write!(offset, width, value);
          words[0] = before;
        } catch (error) {
          threw(error);
          words[0] = before;
        }
      },
      readBlock: (offset: number, width: Width, into: Uint8Array): number => {
        const most = into.length / width, bytes = copied ? new Uint8Array(into.length) : into;
        const items = this.#run(() => readBlock!(offset, width, bytes), name);
        if (this.#status.failed) {
          into.fill(0xff);
          return most;
        }
        if (copied) into.set(bytes);
        return this.#items(items, most);
      },
      writeBlock: (offset: number, width: Width, from: Uint8Array): number => {
        const items = this.#run(() => writeBlock!(offset, width, copied ? from.slice() : from), name);
        return this.#items(items, from.length / width);
      },
    };
  }

  #items(items: unknown, most: number): number {
    if (this.#status.failed) return most;
    if (typeof items === "number" && Number.isInteger(items) && items >= 1 && items <= most) return items;
    this.#detach(`it said that it moved ${describeGiven(items)} of ${most} items`);
    return most;
  }

  #enter(): number {
    const before = this.#words[0]!;
    this.#words[0] = this.#mark + (++this.#status.entries & BUSY.ENTRIES);
    return before;
  }

  #run(run: () => unknown, name: string): unknown {
    if (this.#status.failed) return undefined;
    const before = this.#enter();
    try {
      return run();
    } catch (error) {
      this.#threw(error, name);
      return undefined;
    } finally {
      this.#words[0] = before;
    }
  }

  #returned(value: unknown, name: string): number {
    this.#detach(`it returned ${describeGiven(value)} where a number was expected, at ${name}`);
    return ONES;
  }

  #threw(error: unknown, name: string): number {
    this.#detach(`it threw at ${name}: ${whatThrown(error)}`);
    return ONES;
  }

  #detach(why: string): void {
    if (this.#status.failed) return;
    this.#status.failed = true;
    const { subject, detached } = this.#options;
    detached(new BulkheadError({ code: "plugin-detached", subject, sentence: `${subject} was detached: ${why}` }));
  }

  /** What a confined device is given: nothing that leads to the core's own objects. */
  // deno-lint-ignore no-explicit-any
  #confined(ctx: any, harden: Harden): object {
    const { manifest } = this.#options;
    const bytes = (given: unknown) => {
      const own = bytesOf(given);
      if (own === undefined) throw new TypeError("a DMA window moves a Uint8Array");
      return own;
    };
    const context = {
      config: ctx.config,
      irq: (name: string) => {
        const line = ctx.irq(String(name));
        return harden({
          set: (level: unknown) => void line.set(!!level),
          pulse: () => void line.pulse(),
          get level() {
            return line.level as boolean;
          },
        });
      },
      alarm: (name: string, ring: (due: number) => unknown) => {
        const alarm = ctx.alarm(String(name), (due: number) => void this.#run(() => ring(due), `alarm ${name}`));
        const number = (value: unknown) => {
          if (typeof value !== "number" || value !== value) throw new TypeError("an alarm is armed for a number");
          return value;
        };
        return harden({
          at: (due: unknown) => void alarm.at(number(due)),
          after: (nanoseconds: unknown) => void alarm.after(number(nanoseconds)),
          cancel: () => void alarm.cancel(),
          get armed() {
            return alarm.armed as boolean;
          },
          get due() {
            return alarm.due as number;
          },
        });
      },
      dma: (name: string) => {
        const window = ctx.dma(String(name));
        return harden({
          read: (address: number, into: unknown) => window.read(Number(address), bytes(into)) as number,
          write: (address: number, from: unknown) => window.write(Number(address), bytes(from)) as number,
        });
      },
      use: (name: string) => {
        const port = ctx.use(String(name));
        const given = {};
        for (const [member, what] of Object.entries(manifest.needs.uses?.[name]?.members ?? {})) {
          if ("method" in what) {
            const call = (...args: unknown[]) => {
              const copies = args.map(copyPlain);
              const value = copyPlain(port[member](...copies));
              // Arrays that the other end filled in.
              copies.forEach((copy, at) => copy instanceof Uint8Array && bytesOf(args[at])?.set(copy));
              return value;
            };
            Object.defineProperty(given, member, { enumerable: true, value: call });
          } else {
            Object.defineProperty(given, member, { enumerable: true, get: () => copyPlain(port[member]) });
          }
        }
        return harden(given);
      },
      virtio: {
        queue: (name: string) => {
          const queue = ctx.virtio.queue(String(name));
          return harden({
            fill: (tag: unknown, offset: unknown, given: unknown) =>
              void queue.fill(Number(tag), Number(offset), bytes(given)),
            complete: (tag: unknown, written: unknown) => void queue.complete(Number(tag), Number(written)),
          });
        },
        accepted: (feature: unknown) => ctx.virtio.accepted(Number(feature)) as boolean,
        configurationChanged: () => void ctx.virtio.configurationChanged(),
        fail: (reason: unknown) => void ctx.virtio.fail(String(reason).slice(0, 1000)),
      },
      now: () => ctx.now() as number,
      log: (level: unknown, message: unknown, fields?: unknown) => {
        if (!this.#flood.admits()) return;
        ctx.log(levelOf(level), String(message).slice(0, 4000), fields === undefined ? undefined : copyPlain(fields));
      },
      count: (metric: unknown, by: unknown = 1) => void ctx.count(String(metric).slice(0, 100), Number(by)),
    };
    for (const part of Object.values(context)) harden(part);
    // State and latches change; the latches' object has nothing but accessors, and takes no more.
    return Object.freeze({ ...context, regs: ctx.regs, state: ctx.state });
  }
}
