import { assert, assertEquals } from "@std/assert";
import { type ClockMove, VirtualClock } from "./clock.ts";
import { instantOf, ticksAt } from "./rate.ts";

function machine(options: { rate?: number; backlog?: number; longGap?: number } = {}) {
  const cpu = { retired: 0 };
  const moves: ClockMove[] = [];
  const clock = new VirtualClock({ retired: () => cpu.retired, moved: (move) => moves.push(move), ...options });
  return { cpu, clock, moves };
}

Deno.test("virtual time is the retired instructions times the rate", () => {
  const { cpu, clock } = machine();
  cpu.retired = 250;
  assertEquals(clock.now(), 1000);
});

Deno.test("untilAlarm is the exact count at which the alarm is due", () => {
  for (const rate of [4, 1, 0.3, 2.7]) {
    const { cpu, clock } = machine({ rate });
    const rung: number[] = [];
    clock.arm(clock.alarm("a", (due) => rung.push(due)), 1001);
    const count = clock.untilAlarm();
    cpu.retired = count - 1;
    clock.runDue();
    assertEquals(rung, []);
    assertEquals(clock.untilAlarm(), 1);
    cpu.retired = count;
    clock.runDue();
    assertEquals(rung, [1001]);
    assertEquals(clock.untilAlarm(), Infinity);
  }
});

Deno.test("alarms ring in the order of their due times, then of their arming", () => {
  const { cpu, clock } = machine();
  const rung: string[] = [];
  const alarm = (name: string) => clock.alarm(name, () => rung.push(name));
  const [a, b, c, d] = [alarm("a"), alarm("b"), alarm("c"), alarm("d")];
  clock.arm(a, 80);
  clock.arm(b, 40);
  clock.arm(c, 40);
  clock.arm(d, 10);
  clock.arm(b, 40);
  clock.arm(d, Infinity);
  assertEquals(clock.untilAlarm(), 10);
  cpu.retired = 100;
  clock.runDue();
  assertEquals(rung, ["c", "b", "a"]);
});

Deno.test("a halted deterministic machine jumps to its next alarm, and knows when there is none", () => {
  const { clock } = machine();
  assertEquals(clock.skipToAlarm(), false);
  clock.arm(clock.alarm("a", () => {}), 12_345);
  assertEquals(clock.skipToAlarm(), true);
  assertEquals(clock.now(), 12_345);
  assertEquals(clock.untilAlarm(), 0);
});

Deno.test("an alarm armed for the past rings once a call, with the guest running in between", () => {
  const { cpu, clock } = machine();
  let rings = 0;
  const tick = clock.alarm("tick", (due) => {
    rings++;
    clock.arm(tick, due + 10);
  });
  clock.arm(tick, 10);
  cpu.retired = 25;
  for (let call = 1; call <= 10; call++) {
    clock.runDue();
    assertEquals(rings, call);
  }
  clock.runDue();
  assertEquals(rings, 10);
  assertEquals(clock.untilAlarm(), 3);
});

Deno.test("an alarm armed before all others is announced", () => {
  const { clock } = machine();
  let announced = 0;
  clock.earlier = () => announced++;
  const alarm = clock.alarm("a", () => {});
  clock.arm(alarm, 50);
  clock.arm(alarm, 60);
  clock.arm(alarm, 40);
  assertEquals(announced, 2);
});

Deno.test("in real time the clock bends towards the host's without jumping", () => {
  const { cpu, clock } = machine();
  let host = 1_000_000;
  clock.sync(host);
  // 10 ns an instruction, where the nominal rate is 4; a safe point each 100 us.
  for (let point = 0; point < 400; point++) {
    cpu.retired += 10_000;
    host += 100_000;
    const before = clock.now();
    clock.sync(host);
    assertEquals(clock.now(), before);
  }
  const lag = host - 1_000_000 - clock.now();
  assert(Math.abs(lag) < 200_000, `lag ${lag}`);
  assert(Math.abs(clock.rate - 10) < 0.5, `rate ${clock.rate}`);
});

Deno.test("the clock never goes backwards when the guest is faster than the rate says", () => {
  const { cpu, clock } = machine();
  let host = 0;
  let last = 0;
  clock.sync(host);
  for (let point = 0; point < 300; point++) {
    cpu.retired += 100_000;
    clock.sync(host += 100_000);
    assert(clock.now() >= last);
    last = clock.now();
  }
  assert(Math.abs(host - clock.now()) < 2_000_000, `ahead by ${clock.now() - host}`);
});

Deno.test("a halted machine in real time follows the host, but never past an alarm", () => {
  const { clock } = machine();
  const rung: number[] = [];
  const tick = clock.alarm("tick", (due) => {
    rung.push(due);
    clock.arm(tick, due + 1_000_000);
  });
  clock.sync(0);
  clock.arm(tick, 1_000_000);
  clock.sync(400_000);
  assertEquals(clock.now(), 400_000);
  for (let missed = 1; missed <= 3; missed++) {
    clock.sync(3_500_000);
    assertEquals(clock.now(), missed * 1_000_000);
    clock.runDue();
    assertEquals(rung.length, missed);
  }
  clock.sync(3_500_000);
  assertEquals(clock.now(), 3_500_000);
});

Deno.test("a lag beyond the backlog is dropped and counted", () => {
  const { clock } = machine({ backlog: 5_000_000 });
  clock.sync(0);
  clock.sync(60_000_000);
  assertEquals(clock.now(), 5_000_000);
  assertEquals(clock.dropped, 55_000_000);
  clock.sync(60_001_000);
  assertEquals(clock.now(), 5_001_000);
});

Deno.test("time does not pass for a machine that was paused", () => {
  const { clock } = machine();
  clock.sync(0);
  clock.resync();
  clock.sync(9_000_000_000);
  clock.sync(9_000_000_500);
  assertEquals(clock.now(), 500);
});

Deno.test("the logged moves replay the same times", () => {
  const { cpu, clock, moves } = machine();
  const stretch = (point: number) => point % 7 === 0 ? 0 : 20_000 + point * 100;
  clock.sync(0);
  const times: number[] = [];
  const movesSoFar: number[] = [];
  for (let point = 1; point <= 50; point++) {
    cpu.retired += stretch(point);
    clock.sync(point * 90_000);
    times.push(clock.now());
    movesSoFar.push(moves.length);
  }
  const replay = machine();
  const again: number[] = [];
  for (let point = 1, next = 0; point <= 50; point++) {
    replay.cpu.retired += stretch(point);
    while (next < movesSoFar[point - 1]!) replay.clock.apply(moves[next++]!);
    again.push(replay.clock.now());
  }
  assertEquals(again, times);
});

Deno.test("a saved clock goes on at another instruction count, with its alarms in order", () => {
  const { cpu, clock } = machine();
  clock.arm(clock.alarm("b", () => {}), 500);
  clock.arm(clock.alarm("a", () => {}), 500);
  cpu.retired = 100;
  const saved = JSON.parse(JSON.stringify(clock.save()));

  const other = machine();
  other.cpu.retired = 7;
  const rung: string[] = [];
  other.clock.alarm("a", () => rung.push("a"));
  other.clock.restore(saved);
  other.clock.alarm("b", () => rung.push("b"));
  assertEquals(other.clock.now(), 400);
  other.cpu.retired += other.clock.untilAlarm();
  assertEquals(other.clock.now(), 500);
  other.clock.runDue();
  assertEquals(rung, ["b", "a"]);
});

Deno.test("crystal ticks and instants convert exactly, without drift", () => {
  assertEquals(ticksAt(1e9, 1193182), 1193182);
  assertEquals(ticksAt(86_400e9, 1193182), 86_400 * 1193182);
  for (const ticks of [1, 2, 3, 1193181, 1193182, 65536, 123_456_789_012]) {
    const instant = instantOf(ticks, 1193182);
    assertEquals(ticksAt(instant, 1193182), ticks);
    assertEquals(ticksAt(instant - 1, 1193182), ticks - 1);
  }
});
