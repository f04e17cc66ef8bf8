import { assertEquals } from "@std/assert";
import { SendWindow } from "./send_window.ts";

Deno.test("a window holds back whoever sends more than is taken, and goes on when something was", async () => {
  const window = new SendWindow(), taken: PromiseWithResolvers<void>[] = [];
  let begun = 0;
  const flood = (async () => {
    for (; begun < 20;) {
      await window.send(() => {
        begun++;
        return (taken[begun] = Promise.withResolvers<void>()).promise;
      });
    }
  })();
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(begun, 4);
  taken[1]!.resolve();
  taken[2]!.reject(new Error("it is gone"));
  await new Promise((resolve) => setTimeout(resolve));
  assertEquals(begun, 6);
  for (let index = 3; index <= 20; index++) {
    taken[index]!.resolve();
    await new Promise((resolve) => setTimeout(resolve));
  }
  await flood;
  await window.drained();
});
