import { cut, Fuzzer, long, report } from "./fuzzer.ts";

/** Cases that every run of the tests makes. */
const CASES = 300;

Deno.test("random programs do the same however they are cut into stretches", () => {
  const fuzzer = new Fuzzer(long(), cut("short"));
  for (let seed = 1; seed <= CASES; seed++) {
    const finding = fuzzer.run(seed);
    if (finding !== undefined) throw new Error(report(finding));
  }
});
