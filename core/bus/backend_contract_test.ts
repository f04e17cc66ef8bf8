import { assertEquals } from "@std/assert";
import { backend } from "./backend_contract.ts";

Deno.test("a back end can open what it declares; another name does not compile", () => {
  const definition = backend({
    id: "acme/tape",
    api: 1,
    version: 1,
    provides: "character",
    host: {
      log: { kind: "file", access: "write", why: "it is where the characters go" },
      peer: { kind: "connect", why: "it is told of each line" },
    },
    open: (ctx) => {
      const log = ctx.file("log");
      // @ts-expect-error: not declared
      const other = () => ctx.file("other");
      // @ts-expect-error: declared as a peer
      const peer = () => ctx.file("peer");
      // @ts-expect-error: declared as a file
      const file = () => ctx.connect("log");
      void [other, peer, file];
      let at = 0;
      return {
        write: (bytes) => {
          log.write(at, bytes);
          at += bytes.length;
          void ctx.port.receive(bytes);
        },
      };
    },
  });
  assertEquals(Object.keys(definition.host ?? {}), ["log", "peer"]);
});
