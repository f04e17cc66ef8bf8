/**
 * Listens for gdb on behalf of one machine: one connection at a time.
 *
 * @module
 */
import { BulkheadError } from "../../bus/error.ts";
import { type DebugAnswer, type DebugCommand, type DebugStop, fromHex, toHex } from "./commands.ts";
import { type DebugTarget, GdbSession } from "./gdb_session.ts";
import { debugRegisters } from "./registers.ts";

/** Where gdb is listened for. */
export interface GdbAddress {
  /** Name or address of this host. */
  readonly hostname: string;
  /** 0: any that is free. */
  readonly port: number;
}

/** The machine that is debugged. */
export interface GdbMachine {
  /** Asks the virtual CPU. */
  debug(command: DebugCommand): Promise<DebugAnswer>;
  /** Ends the machine. */
  stop(): Promise<void>;
}

/** Milliseconds that a second connection waits for the first one to end. */
const PATIENCE = 1000;

/** A listener for gdb. */
export class GdbServer {
  /** Where it listens. */
  readonly address: GdbAddress;
  readonly #machine: GdbMachine;
  readonly #listener: Deno.TcpListener;
  #session: GdbSession | undefined;
  #serving: Promise<void> | undefined;

  /** Listens. @throws {BulkheadError} `gdb-listen`: the address is in use, or is none of this host's. */
  constructor(address: GdbAddress, machine: GdbMachine) {
    this.#machine = machine;
    try {
      this.#listener = Deno.listen({ ...address, transport: "tcp" });
    } catch (error) {
      throw new BulkheadError({
        code: "gdb-listen",
        subject: "the gdb listener",
        where: `${address.hostname}:${address.port}`,
        expected: "an address of this host that is free",
        found: error instanceof Error ? error.message : String(error),
        remedy: "choose another port, or 0 for any",
      }, { cause: error });
    }
    const { hostname, port } = this.#listener.addr;
    this.address = { hostname, port };
    this.#accept();
  }

  /** The machine has stopped. */
  stopped(stop: DebugStop): void {
    this.#session?.stopped(stop);
  }

  /** The machine has ended. */
  exited(code: number): void {
    this.#session?.exited(code);
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#listener) {
      // A gdb that has just left may not be gone yet.
      if (this.#serving !== undefined) await Promise.race([this.#serving, later(PATIENCE)]);
      if (this.#serving !== undefined) connection.close();
      else {
        this.#serving = this.#serve(connection).catch(() => {}).finally(() => {
          this.#serving = undefined;
          this.#session = undefined;
        });
      }
    }
  }

  /** A connection that breaks leaves the machine as it is: held, or running to the next breakpoint. The next gdb finds it there. */
  async #serve(connection: Deno.TcpConn): Promise<void> {
    connection.setNoDelay(true);
    const writer = connection.writable.getWriter();
    writer.closed.catch(() => {});
    try {
      const { sse } = await this.#machine.debug({ kind: "attach" });
      const send = (bytes: Uint8Array<ArrayBuffer>) => writer.write(bytes).catch(() => {});
      const session = this.#session = new GdbSession(this.#target(sse === true), send);
      let over = false;
      session.ended.then(() => over = true);
      for await (const bytes of connection.readable) {
        await session.receive(bytes);
        if (over) break;
        await writer.ready;
      }
    } finally {
      await writer.close().catch(() => {});
      try {
        connection.close();
      } catch {
        // It is closed already.
      }
    }
  }

  #target(sse: boolean): DebugTarget {
    const machine = this.#machine;
    const bytesOf = ({ bytes }: DebugAnswer) => fromHex(bytes!)!;
    const done = (answer: DebugAnswer) => answer.done === true;
    return {
      registers: debugRegisters(sse),
      readRegisters: async () => bytesOf(await machine.debug({ kind: "registers" })),
      writeRegister: async (register, bytes) =>
        done(await machine.debug({ kind: "set-register", register, bytes: toHex(bytes) })),
      readMemory: async (address, length, physical = false) =>
        bytesOf(await machine.debug({ kind: "read", address, length, physical })),
      writeMemory: async (address, bytes) => done(await machine.debug({ kind: "write", address, bytes: toHex(bytes) })),
      resume: async (step, places) => void await machine.debug({ kind: "resume", step, ...places }),
      interrupt: async () => void await machine.debug({ kind: "interrupt" }),
      detach: async () => void await machine.debug({ kind: "detach" }),
      kill: () => machine.stop(),
      reset: async () => void await machine.debug({ kind: "reset" }),
      stepInterrupts: async (on) => void await machine.debug({ kind: "step-interrupts", on }),
    };
  }
}

function later(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
