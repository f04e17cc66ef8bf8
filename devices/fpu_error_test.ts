import { assertEquals } from "@std/assert";
import { bench, conformance } from "../core/bus/testing.ts";
import { fpuError } from "./fpu_error.ts";

Deno.test("FERR# latches IRQ 13 until port F0h is written, which asserts IGNNE# for as long as FERR# is", () => {
  const error = bench(fpuError);
  const pins = error.provides("pins");
  pins.setError(true);
  assertEquals([error.line("irq13"), pins.ignored()], [true, false]);
  error.write("io", 0, 0);
  assertEquals([error.line("irq13"), pins.ignored()], [false, true]);
  // The same error: no second interrupt.
  pins.setError(true);
  assertEquals([error.line("irq13"), pins.ignored()], [false, true]);
  pins.setError(false);
  assertEquals([error.line("irq13"), pins.ignored()], [false, false]);
  pins.setError(true);
  assertEquals([error.line("irq13"), error.rises("irq13"), pins.ignored()], [true, 2, false]);
});

Deno.test("an interrupt that is latched stays when the error goes; a write without an error asserts nothing", () => {
  const error = bench(fpuError);
  const pins = error.provides("pins");
  pins.setError(true);
  pins.setError(false);
  assertEquals(error.line("irq13"), true);
  error.write("io", 0, 0);
  assertEquals([error.line("irq13"), pins.ignored()], [false, false]);
});

Deno.test("a reset clears both latches; the port reads as a floating bus", () => {
  const error = bench(fpuError);
  error.provides("pins").setError(true);
  error.reset();
  assertEquals([error.line("irq13"), error.provides("pins").ignored(), error.read("io", 0)], [false, false, 0xff]);
});

Deno.test("the FPU's error logic conforms", () => {
  conformance(fpuError, [
    (error) => error.provides("pins").setError(true),
    (error) => error.write("io", 0, 0),
    (error) => error.provides("pins").setError(false),
    (error) => error.provides("pins").setError(true),
    (error) => error.read("io", 0),
    (error) => error.reset(),
  ]);
});
