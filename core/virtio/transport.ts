/**
 * What every virtio device has in common, whatever it is connected by: status, features, queues, notifications (Virtual I/O Device 1.2,
 * sections 2 and 3).
 *
 * @module
 */
import type { VirtioClaim } from "../bus/claims.ts";
import type { AnyDevice, Context, DmaWindow, Line } from "../bus/contract.ts";
import type { VirtioPort, VirtioWiring } from "../bus/virtio.ts";
import { FEATURE, FEATURE_WORDS, ISR, STATUS } from "./layout.ts";
import { SplitQueue } from "./split_queue.ts";
import { freshTransport, type TransportState } from "./state.ts";

/** Features that the core has for every device. */
const OWN_FEATURES: readonly number[] = Object.values(FEATURE);
const TAGS = 2 ** 32;

/** What the transport uses of its device's context. */
export type TransportContext = Pick<Context<object, never, AnyDevice["needs"], string>, "log" | "count">;

/** A device's transport over its state. */
export class Transport {
  /** Queues by number. */
  readonly queues: readonly SplitQueue[];
  /** What the device is given. */
  readonly port: VirtioPort<string>;
  readonly #claim: VirtioClaim;
  readonly #context: TransportContext;
  readonly #interrupt: Line;
  #device: VirtioWiring<string, string> = { queues: {} };

  /** A transport that goes on where `state` is. */
  constructor(
    claim: VirtioClaim,
    readonly state: TransportState,
    context: TransportContext,
    dma: DmaWindow,
    interrupt: Line,
  ) {
    this.#claim = claim;
    this.#context = context;
    this.#interrupt = interrupt;
    this.queues = Object.entries(claim.queues).map(([name, queue], index) =>
      new SplitQueue(name, queue, state.queues[index]!, {
        dma,
        indirect: () => this.accepted(FEATURE.RING_INDIRECT_DESC),
        eventIndex: () => this.accepted(FEATURE.RING_EVENT_IDX),
        running: () => this.running,
        newTag: () => this.#newTag(),
        fail: (reason) => this.fail(reason),
        interrupt: () => this.#raise(ISR.QUEUE),
        deliver: (chain) => this.#device.queues[name]!(chain),
      })
    );
    const queues = new Map(this.queues.map((queue) => [queue.name, queue]));
    const late = (known: boolean) => void (known || context.count("late-answers"));
    this.port = {
      queue: (name) => {
        const queue = queues.get(name)!;
        return {
          fill: (tag, offset, bytes) => late(queue.fill(tag, offset, bytes)),
          complete: (tag, written) => late(queue.complete(tag, written)),
        };
      },
      accepted: (feature) => this.accepted(feature),
      configurationChanged: () => {
        state.generation = state.generation + 1 & 0xff;
        if (this.running) this.#raise(ISR.CONFIGURATION);
      },
      fail: (reason) => this.fail(reason),
    };
  }

  /** Connects the device's answers. */
  connect(device: VirtioWiring<string, string>): void {
    this.#device = device;
  }

  /** Started, and not in need of a reset. */
  get running(): boolean {
    return (this.state.status & (STATUS.DRIVER_OK | STATUS.DEVICE_NEEDS_RESET)) === STATUS.DRIVER_OK;
  }

  /** Whether the driver has accepted a feature. */
  accepted(feature: number): boolean {
    return (this.state.status & STATUS.FEATURES_OK) !== 0 && this.#written(feature);
  }

  /** A word of the features that are offered. */
  offered(word: number): number {
    const offered = [...OWN_FEATURES, ...(this.#claim.features ?? []).filter((f) => this.#device.offers?.(f) ?? true)];
    return offered.reduce((bits, feature) => feature >> 5 === word ? (bits | 1 << (feature & 31)) >>> 0 : bits, 0);
  }

  /** The driver writes a word of features. They are settled with FEATURES_OK. */
  writeFeatures(word: number, value: number): void {
    if (word < FEATURE_WORDS && (this.state.status & STATUS.FEATURES_OK) === 0) this.state.driverFeatures[word] = value;
  }

  /** The driver writes device status. */
  writeStatus(value: number): void {
    const { state } = this;
    if (value === 0) return this.reset();
    const rising = value & ~state.status & ~STATUS.DEVICE_NEEDS_RESET;
    state.status |= rising & ~(STATUS.FEATURES_OK | STATUS.DRIVER_OK);
    // A driver that finds FEATURES_OK clear knows that its choice was refused (section 3.1.1).
    if ((rising & STATUS.FEATURES_OK) !== 0 && this.#acceptable) state.status |= STATUS.FEATURES_OK;
    if ((rising & STATUS.DRIVER_OK) === 0) return;
    if ((state.status & STATUS.FEATURES_OK) === 0) return this.fail("DRIVER_OK came before FEATURES_OK");
    state.status |= STATUS.DRIVER_OK;
    this.#device.started?.();
  }

  /** The driver resets the device. */
  reset(): void {
    this.forget();
    this.#interrupt.set(false);
    this.#device.stopped?.();
  }

  /** Back to the fresh state, without telling the device. */
  forget(): void {
    // Tags go on, so that late answers to chains from before do not meet chains from after.
    const { queues, nextTag } = this.state;
    Object.assign(this.state, freshTransport(this.#claim), { queues, nextTag });
    for (const queue of this.queues) queue.reset();
  }

  /** The driver resets one queue (section 2.6.1). */
  resetQueue(index: number): void {
    const queue = this.queues[index];
    if (queue === undefined || !this.accepted(FEATURE.RING_RESET)) return;
    queue.reset();
    this.#device.queueStopped?.(queue.name);
  }

  /** The driver says that a queue has something. */
  notify(index: number): void {
    if (this.running) this.queues[index]?.walk();
  }

  /** ISR status, which reading clears. */
  readIsr(): number {
    const { isr } = this.state;
    this.state.isr = 0;
    this.#interrupt.set(false);
    return isr;
  }

  /** See {@linkcode VirtioPort.fail}. */
  fail(reason: string): void {
    const { state } = this;
    if ((state.status & STATUS.DEVICE_NEEDS_RESET) !== 0) return;
    const told = this.running;
    state.status |= STATUS.DEVICE_NEEDS_RESET;
    this.#context.count("needs-reset");
    this.#context.log("guest", `the driver did what it must not, and the device needs a reset: ${reason}`);
    if (told) this.#raise(ISR.CONFIGURATION);
  }

  get #acceptable(): boolean {
    if (!this.#written(FEATURE.VERSION_1)) return false;
    return this.state.driverFeatures.every((word, index) => (word & ~this.offered(index)) === 0);
  }

  #written(feature: number): boolean {
    return (this.state.driverFeatures[feature >> 5]! >> (feature & 31) & 1) !== 0;
  }

  #raise(cause: number): void {
    this.state.isr |= cause;
    this.#interrupt.set(true);
  }

  #newTag(): number {
    const { state } = this;
    const taken = (tag: number) => state.queues.some(({ chains }) => chains[tag] !== undefined);
    while (taken(state.nextTag)) state.nextTag = (state.nextTag + 1) % TAGS;
    const tag = state.nextTag;
    state.nextTag = (tag + 1) % TAGS;
    return tag;
  }
}
