import { assert, assertEquals, assertThrows } from "@std/assert";
import { BulkheadError } from "../bus/error.ts";
import { NO_RIGHTS, processFlags, workerPermissions } from "./rights.ts";

Deno.test("a process without rights has every permission denied by name, and never asks", () => {
  const flags = processFlags(NO_RIGHTS);
  for (const key of ["read", "write", "net", "env", "sys", "run", "ffi", "import"]) {
    assert(flags.includes(`--deny-${key}`));
  }
  assert(flags.includes("--no-prompt"));
  assert(flags.includes("--cached-only"));
});

Deno.test("a process is given exactly the files named", () => {
  const flags = processFlags({ ...NO_RIGHTS, read: ["/a/disk.img", "/b"] });
  assert(flags.includes("--allow-read=/a/disk.img,/b"));
  assert(!flags.includes("--deny-read"));
  assert(!flags.some((flag) => flag === "-A" || flag === "--allow-all" || flag === "--allow-read"));
});

Deno.test("a Worker without rights is given none; one with a right has every other key closed", () => {
  assertEquals(workerPermissions(NO_RIGHTS), "none");
  assertEquals(workerPermissions({ ...NO_RIGHTS, read: ["/x"] }), {
    read: ["/x"],
    write: false,
    net: false,
    env: false,
    import: false,
    sys: false,
    run: false,
    ffi: false,
  });
});

Deno.test("rights that cannot be given exactly are refused", () => {
  for (
    const rights of [
      { read: ["disk.img"] },
      { write: ["/a,/etc"] },
      { net: ["example.com"] },
      { net: ["127.0.0.1:9229"] },
      { env: ["LD_*"] },
    ]
  ) {
    assertThrows(() => processFlags({ ...NO_RIGHTS, ...rights }), BulkheadError, "cannot be given");
  }
});
