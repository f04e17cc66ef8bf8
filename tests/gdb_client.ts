/**
 * A debugger for tests: speaks gdb's remote protocol, a request at a time.
 *
 * @module
 */
import { encodePacket, PacketReader } from "../core/machine/debug/packet.ts";

/** Milliseconds that an answer may take. */
const LIMIT = 60_000;

/** A connection to a machine's gdb listener. */
export class GdbClient implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #reader = new PacketReader();
  readonly #answers: string[] = [];

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** Connects, and agrees on no acknowledgements. */
  static async connect(port: number): Promise<GdbClient> {
    const client = new GdbClient(await Deno.connect({ hostname: "127.0.0.1", port }));
    await client.ask("QStartNoAckMode");
    return client;
  }

  /** Sends a request and waits for its answer, or for where the machine stops. */
  async ask(request: string): Promise<string> {
    await this.send(request);
    return await this.answer();
  }

  async send(request: string): Promise<void> {
    await this.write(encodePacket(request));
  }

  /** Writes bytes as they are. */
  async write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) done += await this.#connection.write(bytes.subarray(done));
  }

  /** Interrupts the machine. */
  async interrupt(): Promise<string> {
    await this.write(Uint8Array.of(0x03));
    return await this.answer();
  }

  /** The next packet. */
  async answer(): Promise<string> {
    const timer = setTimeout(() => this.#connection.close(), LIMIT);
    try {
      const bytes = new Uint8Array(0x1_0000);
      while (this.#answers.length === 0) {
        const count = await this.#connection.read(bytes);
        if (count === null) throw new Error("the machine closed the connection");
        for (const event of this.#reader.push(bytes.subarray(0, count))) {
          if (event.kind === "packet") this.#answers.push(event.data);
        }
      }
      return this.#answers.shift()!;
    } finally {
      clearTimeout(timer);
    }
  }

  /** A 32-bit register, by gdb's number. */
  async register(number: number): Promise<number> {
    return littleEndian(await this.ask(`p${number.toString(16)}`));
  }

  /** A dword of memory. */
  async dword(address: number): Promise<number> {
    return littleEndian(await this.ask(`m${address.toString(16)},4`));
  }

  [Symbol.dispose](): void {
    try {
      this.#connection.close();
    } catch {
      // It is closed already.
    }
  }
}

function littleEndian(hex: string): number {
  const bytes = Uint8Array.fromHex(hex);
  if (bytes.length !== 4) throw new Error(`not four bytes: ${hex}`);
  return new DataView(bytes.buffer).getUint32(0, true);
}
