/**
 * What a device in another compartment asks of its machine and does to it: each is checked, then carried out on what its wiring was given.
 *
 * @module
 */
import type { Alarm, DmaWindow, Line } from "../bus/contract.ts";
import type { LogLevel } from "../bus/log.ts";
import type { VirtioPort, Virtqueue } from "../bus/virtio.ts";
import { type Conversation, ConversationError, EFFECT, OPERATION } from "./conversation.ts";
import type { DeviceManifest } from "./description.ts";
import { thrownToPlain } from "./device_runtime.ts";
import { levelOf } from "./flood_gate.ts";
import { decodePlain, encodePlain, type Plain } from "./plain.ts";

/** One wiring, with what its context gave. */
export interface Wired {
  readonly id: number;
  readonly lines: readonly Line[];
  readonly alarms: readonly Alarm[];
  readonly dma: readonly DmaWindow[];
  readonly uses: readonly Record<string, unknown>[];
  readonly regs: Record<string, number>;
  readonly virtio: VirtioPort<string>;
  readonly queues: readonly Virtqueue[];
  now(): number;
  log(level: LogLevel, message: string, fields?: Readonly<Record<string, number | string | boolean>>): void;
  count(metric: string, by: number): void;
}

/** What an open connector of a plugin's own interface answers: the plugin's own definition of that is asked. */
export const UNCONNECTED = Symbol("unconnected");

/** Sends an answer: a number, and bytes. */
export type Answer = (result: number, bytes?: Uint8Array, what?: number) => void;

/** Questions and effects of one device. */
export class RemoteQuestions {
  readonly #needs: DeviceManifest["needs"];
  readonly #latchNames: readonly string[];
  readonly #admits: () => boolean;

  /** @param admits Whether one more line may be logged. */
  constructor({ needs, latches }: DeviceManifest, admits: () => boolean) {
    this.#needs = needs;
    this.#latchNames = Object.keys(latches);
    this.#admits = admits;
  }

  /** Serves a question of the device's. What the machine throws is the device's answer. @throws {ConversationError} A question that is none. */
  serve(talk: Conversation, wired: Wired | undefined, answer: Answer): void {
    const { operation, a, b, value, body } = talk;
    if (wired === undefined) throw new ConversationError("broken", "a question before it was wired");
    try {
      switch (operation) {
        case OPERATION.EFFECTS:
          return answer(0);
        case OPERATION.DMA_READ: {
          const most = Object.values(this.#needs.dma ?? {})[a]?.maxBytes;
          if (most === undefined || b < 0) throw new ConversationError("broken", "a transfer by a window that is none");
          // One byte too many is refused by the window, in its words.
          const into = new Uint8Array(Math.min(b, most + 1));
          return answer(wired.dma[a]!.read(value, into), into);
        }
        case OPERATION.DMA_WRITE: {
          const window = wired.dma[a];
          if (window === undefined) throw new ConversationError("broken", "a transfer by a window that is none");
          return answer(window.write(value, body));
        }
        case OPERATION.USE:
        case OPERATION.USE_GET: {
          const kind = Object.values(this.#needs.uses ?? {})[a];
          const member = Object.entries(kind?.members ?? {})[b];
          if (member === undefined) throw new ConversationError("broken", "a call of a method that is none");
          const port = wired.uses[a]!;
          if (operation === OPERATION.USE_GET) {
            const result = port[member[0]];
            if (result === UNCONNECTED) return answer(0, undefined, OPERATION.ANSWER_UNCONNECTED);
            return answer(0, encodePlain(result));
          }
          const args = decodePlain(body) as Plain[];
          const result = (port[member[0]] as (...args: unknown[]) => unknown)(...args);
          if (result === UNCONNECTED) return answer(0, undefined, OPERATION.ANSWER_UNCONNECTED);
          return answer(0, encodePlain([result, filledIn(args, body)]));
        }
        case OPERATION.ACCEPTED:
          return answer(wired.virtio.accepted(a) ? 1 : 0);
        default:
          throw new ConversationError("broken", `a question of the unknown kind ${operation}`);
      }
    } catch (error) {
      if (error instanceof ConversationError) throw error;
      answer(0, encodePlain(thrownToPlain(error)), OPERATION.ANSWER_THROWN);
    }
  }

  /** Applies what the device did, in its order. @throws {ConversationError} What it cannot have done. */
  apply({ records }: Conversation, wired: Wired | undefined): void {
    if (records.length === 0) return;
    const view = new DataView(records.buffer, records.byteOffset, records.length);
    const nonsense = () => new ConversationError("broken", "an effect that is none");
    for (let at = 0; at < records.length;) {
      if (at + 16 > records.length || wired === undefined) throw nonsense();
      const kind = view.getUint32(at, true),
        index = view.getUint32(at + 4, true),
        value = view.getFloat64(at + 8, true);
      at += 16;
      switch (kind) {
        case EFFECT.LINE: {
          const line = wired.lines[index];
          if (line === undefined) throw nonsense();
          line.set(value !== 0);
          break;
        }
        case EFFECT.ALARM: {
          const alarm = wired.alarms[index];
          if (alarm === undefined) throw nonsense();
          if (Number.isNaN(value)) throw new ConversationError("broken", "an alarm for NaN");
          if (value === Infinity) alarm.cancel();
          else alarm.at(value);
          break;
        }
        case EFFECT.LATCH: {
          const name = this.#latchNames[index];
          if (name === undefined) throw nonsense();
          wired.regs[name] = value;
          break;
        }
        case EFFECT.LOG:
        case EFFECT.VIRTIO:
        case EFFECT.COUNT: {
          const end = at + ((index + 7) & ~7);
          if (end > records.length) throw nonsense();
          this.#text(kind, decodePlain(records.subarray(at, at + index)), wired);
          at = end;
          break;
        }
        default:
          throw nonsense();
      }
    }
  }

  #text(kind: number, what: Plain, wired: Wired): void {
    const [first, second, third, ...more] = what as unknown[];
    if (kind === EFFECT.VIRTIO) {
      if (first === "configurationChanged") return wired.virtio.configurationChanged();
      if (first === "fail") return wired.virtio.fail(String(second));
      const queue = wired.queues[second as number];
      const numbers = [third, more[0]].every((value) => typeof value === "number" && value >= 0);
      if (queue === undefined || !numbers) throw new ConversationError("broken", "an effect on a queue that is none");
      if (first === "complete") return queue.complete(third as number, more[0] as number);
      if (first !== "fill" || !(more[1] instanceof Uint8Array)) {
        throw new ConversationError("broken", "a strange effect");
      }
      return queue.fill(third as number, more[0] as number, more[1]);
    }
    if (kind === EFFECT.COUNT) {
      if (typeof first === "string" && typeof second === "number") wired.count(first.slice(0, 100), second);
      return;
    }
    if (!this.#admits()) return;
    const fields = typeof third === "object" && third !== null ? third as Record<string, number> : undefined;
    wired.log(levelOf(first), String(second).slice(0, 4000), fields);
  }
}

/** The arrays among the arguments of a call that the other end filled in; null in the places of all others. */
function filledIn(args: readonly Plain[], before: Uint8Array): Plain[] {
  if (!args.some((value) => value instanceof Uint8Array)) return [];
  const originals = decodePlain(before) as Plain[];
  return args.map((value, index) => {
    const original = originals[index];
    if (!(value instanceof Uint8Array) || !(original instanceof Uint8Array)) return null;
    return value.some((byte, at) => byte !== original[at]) ? value : null;
  });
}
