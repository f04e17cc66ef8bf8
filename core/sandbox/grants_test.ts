import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { type Grant, grantedRights } from "./grants.ts";
import { NO_RIGHTS } from "./rights.ts";

const grant: Grant = {
  version: 1,
  plugin: "acme/disk",
  content: "00",
  bindings: { image: "/srv/disk.img", other: "/srv/other", mirror: "unix:/run/mirror" },
};

Deno.test("a plugin gets what it needs and what is bound, and nothing more", () => {
  assertEquals(grantedRights({ image: { kind: "file", access: "read", why: "it is a disk" } }, grant), {
    ...NO_RIGHTS,
    read: ["/srv/disk.img"],
  });
  assertEquals(grantedRights({ mirror: { kind: "connect", why: "it mirrors the disk" } }, grant), {
    ...NO_RIGHTS,
    read: ["/run/mirror"],
    write: ["/run/mirror"],
    net: ["unix:/run/mirror"],
  });
  assertEquals(grantedRights(undefined, grant), NO_RIGHTS);
});

Deno.test("a need that is not bound is named with the plugin's reason", () => {
  assertThrows(
    () => grantedRights({ peer: { kind: "connect", why: "it mirrors the disk" } }, grant),
    BulkheadError,
    'plugin "acme/disk": expected a grant that binds "peer" to an address to connect, found none; bind "peer" to a real host:port; it is needed because it mirrors',
  );
});
