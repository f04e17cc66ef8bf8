import { assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { type Grant, grantedRights } from "./grants.ts";
import { NO_RIGHTS } from "./rights.ts";

const grant: Grant = {
  version: 1,
  plugin: "acme/disk",
  content: "00",
  bindings: { read: { image: "/srv/disk.img", other: "/srv/other" } },
};

Deno.test("a plugin gets what it needs and what is bound, and nothing more", () => {
  assertEquals(grantedRights({ read: ["image"], why: "it is a disk" }, grant), {
    ...NO_RIGHTS,
    read: ["/srv/disk.img"],
  });
  assertEquals(grantedRights(undefined, grant), NO_RIGHTS);
});

Deno.test("a need that is not bound is named with the plugin's reason", () => {
  assertThrows(
    () => grantedRights({ net: ["peer"], why: "it mirrors the disk" }, grant),
    BulkheadError,
    'plugin "acme/disk": expected a grant to reach "peer", found none; bind "peer" to a real host:port; it is needed because it mirrors',
  );
});
