import { assertEquals } from "@std/assert";
import { VirtualClock } from "../bus/clock.ts";
import type { VcpuStop } from "../engine/vcpu.ts";
import { AttentionWord } from "../sandbox/ring.ts";
import { RunLoop, SLICE } from "./run_loop.ts";

/** A processor that retires what it is asked to and stops as `script` says, one entry a stretch. */
function rig(
  script: readonly (VcpuStop | ((maximum: number) => VcpuStop))[],
  options: { realtime?: boolean; stopAt?: number; rest?: () => void } = {},
) {
  const stretches: number[] = [];
  const queue = [...script];
  const cpu = {
    retired: 0,
    run(maximum: number, exact: boolean): VcpuStop {
      stretches.push(maximum);
      assertEquals(exact, maximum < SLICE);
      this.retired += maximum;
      const next = queue.shift() ?? { reason: "dead" };
      return typeof next === "function" ? next(maximum) : next;
    },
  };
  const host = { time: 0 };
  const interrupts = { asserted: false };
  const clock = new VirtualClock({ retired: () => cpu.retired, rate: 1 });
  const loop = new RunLoop({
    cpu,
    clock,
    interrupts,
    deterministic: options.realtime !== true,
    attention: new AttentionWord(),
    stopAt: options.stopAt ?? null,
    hostTime: () => host.time,
    attend: () => {},
    safePoint: () => {},
    ...(options.rest ? { rest: options.rest } : {}),
  });
  return { cpu, clock, host, interrupts, loop, stretches };
}

const BUDGET: VcpuStop = { reason: "budget" };
const HALTED: VcpuStop = { reason: "halted" };

Deno.test("a processor runs in slices, and exactly to its next alarm", () => {
  const { loop, clock, stretches } = rig([BUDGET, BUDGET]);
  let rang = 0;
  clock.arm(clock.alarm("test", () => rang = clock.now()), SLICE + 10);
  loop.resume();
  assertEquals(loop.run(), { reason: "halted" });
  assertEquals(stretches, [SLICE, 10, SLICE]);
  assertEquals(rang, SLICE + 10);
});

Deno.test("a run stops at exactly the instruction that was asked for", () => {
  const { loop, cpu } = rig([BUDGET, BUDGET, BUDGET], { stopAt: SLICE + 7 });
  loop.resume();
  assertEquals(loop.run(), { reason: "instructions" });
  assertEquals(cpu.retired, SLICE + 7);
});

Deno.test("a halted deterministic processor jumps to its next alarm, and the time counts as halted", () => {
  const { loop, clock } = rig([HALTED]);
  clock.arm(clock.alarm("test", () => {}), 10 * SLICE);
  loop.resume();
  loop.run();
  assertEquals(loop.haltedTime, 9 * SLICE);
});

Deno.test("the ends of a guest are told apart", () => {
  const ends: [VcpuStop, unknown][] = [
    [{ reason: "dead" }, { reason: "halted" }],
    [{ reason: "shutdown" }, { reason: "triple-fault" }],
    [{ reason: "unbuilt", feature: "RSM" }, { reason: "unbuilt", feature: "RSM" }],
  ];
  for (const [stop, end] of ends) {
    const { loop } = rig([stop]);
    loop.resume();
    assertEquals(loop.run(), end as ReturnType<typeof loop.run>);
  }
});

Deno.test("what asks to leave is heard before the next stretch", () => {
  const { loop, stretches } = rig([() => {
    loop.leave();
    return BUDGET;
  }]);
  loop.resume();
  assertEquals(loop.run(), undefined);
  assertEquals(stretches.length, 1);
});

Deno.test("time does not step ahead while an interrupt waits to be taken", () => {
  const SECOND = 1e9;
  const times: number[] = [];
  const { loop, clock, host, interrupts } = rig([
    () => {
      host.time += SECOND / 10;
      interrupts.asserted = true;
      return BUDGET;
    },
    () => {
      times.push(clock.now());
      interrupts.asserted = false;
      return BUDGET;
    },
    () => {
      times.push(clock.now());
      return { reason: "dead" };
    },
  ], { realtime: true });
  loop.resume();
  loop.run();
  assertEquals(times[0]! < SECOND / 100, true);
  assertEquals(times[1]! >= SECOND / 10, true);
});

Deno.test("a guest that stops working rests once, until it has worked again", () => {
  const SECOND = 1_000_000_000;
  const log: string[] = [];
  // What the processor does while the host's time passes: instructions, and then it halts.
  const worked = (what: string, instructions: number) => (): VcpuStop => {
    log.push(what);
    cpu.retired += instructions;
    host.time += SECOND;
    clock.resync();
    clock.arm(tick, clock.now() + SECOND / 1000);
    return HALTED;
  };
  const { cpu, clock, host, loop } = rig([
    worked("busy", SECOND),
    worked("idle", 0),
    worked("idle", 0),
    worked("busy", SECOND),
    worked("idle", 0),
  ], { realtime: true, rest: () => log.push("rest") });
  const tick = clock.alarm("tick", () => {});
  loop.resume();
  loop.run();
  assertEquals(log, ["busy", "idle", "rest", "idle", "busy", "idle", "rest"]);
});
