/**
 * One connection of gdb: its requests and the answers to them (GDB manual, appendix E). It knows neither sockets nor processors.
 *
 * @module
 */
import type { Watchpoint } from "../../memory/watchpoints.ts";
import { type DebugStop, fromHex, type StopPlaces, toHex } from "./commands.ts";
import { MONITOR_HELP, monitorCommand } from "./monitor_command.ts";
import { encodePacket, PACKET_SIZE, type PacketEvent, PacketReader } from "./packet.ts";
import type { DebugRegister } from "./registers.ts";
import { targetDescription } from "./target_description.ts";

/** The machine, as gdb's requests need it. While it runs, only `interrupt` and `detach` are asked for. */
export interface DebugTarget {
  /** Its registers, by number. */
  readonly registers: readonly DebugRegister[];
  /** The values of all registers, one after the other. */
  readRegisters(): Promise<Uint8Array>;
  /** Sets a register. False: it cannot have this value. */
  writeRegister(number: number, bytes: Uint8Array): Promise<boolean>;
  /** Memory from an address up to where there is none: linear addresses, or physical ones. */
  readMemory(address: number, length: number, physical?: boolean): Promise<Uint8Array>;
  /** Writes memory by linear address; all of it, or nothing and false. */
  writeMemory(address: number, bytes: Uint8Array): Promise<boolean>;
  /** Lets the machine run, or one instruction of it. How that ends is told to `GdbSession.stopped`. */
  resume(step: boolean, places: StopPlaces): Promise<void>;
  /** Holds the machine: it is told to `GdbSession.stopped`. */
  interrupt(): Promise<void>;
  /** Lets the machine run on without gdb. */
  detach(): Promise<void>;
  /** Ends the machine. */
  kill(): Promise<void>;
  /** Resets the machine, which stays held. */
  reset(): Promise<void>;
  /** Whether a step may take an interrupt. */
  stepInterrupts(on: boolean): Promise<void>;
}

/** Signals of gdb's own numbering. */
const SIGNAL = { INT: 0x02, ILL: 0x04, TRAP: 0x05, SEGV: 0x0b, PWR: 0x20 } as const;

/** What gdb does next with the connection. */
export type SessionEnd = "detached" | "killed";

const ERROR = { REQUEST: "E01", MEMORY: "E14", RUNNING: "E16" } as const;

/** gdb's names of the watchpoint kinds: in Z packets and in stop replies. */
const WATCH_KINDS = [
  { type: "2", kind: "write", reply: "watch" },
  { type: "3", kind: "read", reply: "rwatch" },
  { type: "4", kind: "access", reply: "awatch" },
] as const;

/** The most places at which a debugger may stop the machine. */
const MOST_PLACES = 4096;

/** The longest range that is watched: every page of it is slow. */
const LONGEST_WATCH = 1 << 20;

/** Serves one gdb. Requests are answered one after the other. */
export class GdbSession {
  /** Settles when gdb has left of its own accord. */
  readonly ended: Promise<SessionEnd>;
  readonly #ended = Promise.withResolvers<SessionEnd>();
  readonly #target: DebugTarget;
  readonly #send: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>;
  readonly #reader = new PacketReader();
  readonly #breakpoints = new Map<string, number>();
  readonly #watchpoints = new Map<string, Watchpoint>();
  #acknowledges = true;
  #last: Uint8Array<ArrayBuffer> | undefined;
  #running = false;
  #over = false;
  #stop: DebugStop = { why: "interrupt" };
  /** What gdb said that it understands. */
  #reports = { swbreak: false, hwbreak: false };
  #queue: Promise<void> = Promise.resolve();

  /** @param target The machine, held. @param send Takes what is to be sent; settles, and never rejects, when it is on its way. */
  constructor(target: DebugTarget, send: (bytes: Uint8Array<ArrayBuffer>) => Promise<void>) {
    this.#target = target;
    this.#send = send;
    this.ended = this.#ended.promise;
  }

  /** Takes bytes from gdb. Settles when everything in them is answered, or has let the machine run. */
  receive(bytes: Uint8Array): Promise<void> {
    const events = this.#reader.push(bytes);
    return this.#queue = this.#queue.then(async () => {
      for (const event of events) await this.#handle(event);
    });
  }

  /** The machine has stopped. */
  stopped(stop: DebugStop): void {
    this.#stop = stop;
    if (!this.#running) return;
    this.#running = false;
    this.#reply(this.#stopReply());
  }

  /** The machine has ended, with this exit code. */
  exited(code: number): void {
    if (this.#over) return;
    this.#over = true;
    if (this.#running) this.#reply(`W${hexByte(code)}`);
    this.#running = false;
  }

  async #handle(event: PacketEvent): Promise<void> {
    switch (event.kind) {
      case "ack":
        return;
      case "nak":
        if (this.#acknowledges && this.#last !== undefined) this.#send(this.#last);
        return;
      case "interrupt":
        if (this.#running) await this.#target.interrupt();
        return;
      case "damaged":
        if (this.#acknowledges) this.#send(Uint8Array.of(0x2d));
        return;
      case "packet": {
        if (this.#acknowledges) this.#send(Uint8Array.of(0x2b));
        const answer = this.#running ? ERROR.RUNNING : await this.#answer(event.data);
        if (answer !== undefined) this.#reply(answer);
        // The acknowledgement of the request that ends them is still made.
        if (event.data === "QStartNoAckMode") this.#acknowledges = false;
      }
    }
  }

  #reply(data: string): Promise<void> {
    this.#last = encodePacket(data);
    return this.#send(this.#last);
  }

  /** The answer to a request; undefined: none, or a later one. An empty one says that the request is not known. */
  async #answer(data: string): Promise<string | undefined> {
    const rest = data.slice(1);
    switch (data[0]) {
      case "?":
        return this.#stopReply();
      case "g":
        return toHex(await this.#target.readRegisters());
      case "G":
        return await this.#writeRegisters(rest);
      case "p":
        return await this.#readRegister(rest);
      case "P":
        return await this.#writeRegister(rest);
      case "m":
        return await this.#readMemory(rest);
      case "M":
      case "X":
        return await this.#writeMemory(rest, data[0] === "X");
      case "Z":
      case "z":
        return this.#place(rest, data[0] === "Z");
      case "c":
      case "s":
        return rest === "" ? await this.#resume(data[0] === "s") : ERROR.REQUEST;
      case "C":
      case "S":
        // A signal for the guest: it has none.
        return /^[0-9a-f]{1,2}$/i.test(rest) ? await this.#resume(data[0] === "S") : ERROR.REQUEST;
      case "H":
      case "T":
        return "OK";
      case "D":
        await this.#target.detach();
        this.#ended.resolve("detached");
        return "OK";
      case "k":
        await this.#kill();
        return undefined;
      case "v":
        return await this.#named(data);
      case "q":
      case "Q":
        return await this.#query(data);
      default:
        return "";
    }
  }

  async #named(data: string): Promise<string | undefined> {
    if (data === "vCont?") return "vCont;c;C;s;S";
    if (data.startsWith("vCont;")) {
      // There is one thread, so the first action is its own.
      const action = /^vCont;([csCS])([0-9a-f]{2})?(:[-0-9a-fp.]+)?(;|$)/i.exec(data)?.[1];
      return action === undefined ? ERROR.REQUEST : await this.#resume(action === "s" || action === "S");
    }
    if (data.startsWith("vKill;")) {
      // The machine's process ends with it: what has not been sent by then never is.
      await this.#reply("OK");
      return await this.#kill();
    }
    return "";
  }

  async #query(data: string): Promise<string> {
    const [, name, rest] = /^([A-Za-z]+)[:,]?([^]*)$/.exec(data) ?? ["", "", ""];
    switch (name) {
      case "qSupported":
        this.#reports = { swbreak: /(^|;)swbreak\+/.test(rest!), hwbreak: /(^|;)hwbreak\+/.test(rest!) };
        return `PacketSize=${PACKET_SIZE.toString(16)};qXfer:features:read+;QStartNoAckMode+;vContSupported+;` +
          "swbreak+;hwbreak+";
      case "QStartNoAckMode":
      case "qSymbol":
        return "OK";
      case "qAttached":
        return "1";
      case "qC":
        return "QC1";
      case "qfThreadInfo":
        return "m1";
      case "qsThreadInfo":
        return "l";
      case "qThreadExtraInfo":
        return toHex(new TextEncoder().encode("virtual CPU 0"));
      case "qXfer":
        return this.#transfer(rest!);
      case "qRcmd":
        return await this.#command(rest!);
      default:
        return "";
    }
  }

  /** A piece of the target description. */
  #transfer(rest: string): string {
    const [, offset, length] = /^features:read:target\.xml:([0-9a-f]{1,8}),([0-9a-f]{1,8})$/i.exec(rest) ?? [];
    if (offset === undefined) return rest.startsWith("features:read:") ? "E00" : "";
    const text = targetDescription(this.#target.registers);
    const from = parseInt(offset, 16), most = Math.min(parseInt(length!, 16), PACKET_SIZE / 2);
    return (from + most >= text.length ? "l" : "m") + text.slice(from, from + most);
  }

  /** gdb's `monitor` command. */
  async #command(hex: string): Promise<string> {
    const bytes = fromHex(hex);
    if (bytes === undefined) return ERROR.REQUEST;
    const text = await monitorCommand(new TextDecoder().decode(bytes), this.#target) ?? MONITOR_HELP;
    return text === "" ? "OK" : toHex(new TextEncoder().encode(text)).slice(0, PACKET_SIZE - 8);
  }

  async #writeRegisters(hex: string): Promise<string> {
    const bytes = fromHex(hex), { registers } = this.#target;
    const size = registers.reduce((sum, { bits }) => sum + bits / 8, 0);
    if (bytes?.length !== size) return ERROR.REQUEST;
    let at = 0, all = true;
    for (const [number, { bits }] of registers.entries()) {
      const value = bytes.subarray(at, at += bits / 8);
      all = await this.#target.writeRegister(number, value) && all;
    }
    return all ? "OK" : ERROR.REQUEST;
  }

  async #readRegister(number: string): Promise<string> {
    const { registers } = this.#target, index = hexNumber(number);
    if (index === undefined || index >= registers.length) return ERROR.REQUEST;
    const at = registers.slice(0, index).reduce((sum, { bits }) => sum + bits / 8, 0);
    return toHex((await this.#target.readRegisters()).subarray(at, at + registers[index]!.bits / 8));
  }

  async #writeRegister(assignment: string): Promise<string> {
    const [, number, hex] = /^([0-9a-f]{1,8})=([0-9a-f]*)$/i.exec(assignment) ?? [];
    const bytes = hex === undefined ? undefined : fromHex(hex);
    const register = number === undefined ? undefined : this.#target.registers[parseInt(number, 16)];
    if (register === undefined || bytes?.length !== register.bits / 8) return ERROR.REQUEST;
    return await this.#target.writeRegister(parseInt(number!, 16), bytes) ? "OK" : ERROR.REQUEST;
  }

  async #readMemory(range: string): Promise<string> {
    const [address, length] = addressAndLength(range) ?? [];
    if (address === undefined) return ERROR.REQUEST;
    const bytes = await this.#target.readMemory(address, Math.min(length!, PACKET_SIZE / 2));
    return bytes.length === 0 && length !== 0 ? ERROR.MEMORY : toHex(bytes);
  }

  async #writeMemory(request: string, binary: boolean): Promise<string> {
    const colon = request.indexOf(":");
    const [address, length] = addressAndLength(request.slice(0, Math.max(0, colon))) ?? [];
    const data = request.slice(colon + 1);
    const bytes = binary ? Uint8Array.from(data, (character) => character.charCodeAt(0)) : fromHex(data);
    if (address === undefined || bytes?.length !== length) return ERROR.REQUEST;
    return await this.#target.writeMemory(address, bytes!) ? "OK" : ERROR.MEMORY;
  }

  /** Sets or removes a breakpoint or watchpoint. It takes effect when the machine runs. */
  #place(request: string, set: boolean): string {
    const [, type, range] = /^([0-4]),([^;]*)/.exec(request) ?? [];
    const [address, length] = (range === undefined ? undefined : addressAndLength(range)) ?? [];
    if (address === undefined) return type === undefined ? "" : ERROR.REQUEST;
    const key = `${type},${address},${length}`;
    const watched = WATCH_KINDS.find((kind) => kind.type === type);
    const places: Map<string, unknown> = watched === undefined ? this.#breakpoints : this.#watchpoints;
    if (!set) {
      places.delete(key);
      return "OK";
    }
    if (places.size >= MOST_PLACES) return ERROR.REQUEST;
    if (watched === undefined) this.#breakpoints.set(key, address);
    else {
      if (length === 0 || length! > LONGEST_WATCH || address + length! > 2 ** 32) return ERROR.REQUEST;
      this.#watchpoints.set(key, { address, length: length!, kind: watched.kind });
    }
    return "OK";
  }

  async #resume(step: boolean): Promise<undefined> {
    if (this.#over) {
      this.#reply("W00");
      return;
    }
    this.#running = true;
    await this.#target.resume(step, {
      breakpoints: [...new Set(this.#breakpoints.values())],
      watchpoints: [...this.#watchpoints.values()],
    });
  }

  async #kill(): Promise<undefined> {
    await this.#target.kill();
    this.#ended.resolve("killed");
  }

  #stopReply(): string {
    if (this.#over) return "W00";
    const stop = this.#stop;
    switch (stop.why) {
      case "step":
        return stopped(SIGNAL.TRAP);
      case "interrupt":
        return stopped(SIGNAL.INT);
      case "breakpoint": {
        const types = [...this.#breakpoints].filter(([, address]) => address === stop.address).map(([key]) => key[0]);
        if (types.includes("1") && this.#reports.hwbreak) return stopped(SIGNAL.TRAP, "hwbreak:;");
        return stopped(SIGNAL.TRAP, this.#reports.swbreak ? "swbreak:;" : "");
      }
      case "watchpoint": {
        const { kind, address } = stop.watchpoint;
        const { reply } = WATCH_KINDS.find((known) => known.kind === kind)!;
        return stopped(SIGNAL.TRAP, `${reply}:${address.toString(16)};`);
      }
      case "halted":
        return stopped(SIGNAL.PWR);
      case "triple-fault":
        return stopped(SIGNAL.SEGV);
      case "unbuilt":
        return stopped(SIGNAL.ILL);
    }
  }
}

function stopped(signal: number, reason = ""): string {
  return `T${hexByte(signal)}${reason}thread:1;`;
}

function hexByte(value: number): string {
  return (value & 0xff).toString(16).padStart(2, "0");
}

/** A number of up to 32 bits. */
function hexNumber(text: string): number | undefined {
  return /^[0-9a-f]{1,8}$/i.test(text) ? parseInt(text, 16) : undefined;
}

/** `address,length`. A 32-bit address may come sign-extended to 64. */
function addressAndLength(text: string): [number, number] | undefined {
  const [, address, length] = /^(?:ffffffff(?=[0-9a-f]{8},))?([0-9a-f]{1,8}),([0-9a-f]{1,8})$/i.exec(text) ?? [];
  return address === undefined ? undefined : [parseInt(address, 16), parseInt(length!, 16)];
}
