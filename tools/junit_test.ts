import { assertEquals } from "@std/assert";
import { closingLine, countTests } from "./junit.ts";

const REPORT = `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="deno test" tests="7" failures="3" errors="0" time="0.2">
    <testsuite name="./a_test.ts" tests="6" disabled="1" errors="0" failures="3">
        <testcase name="one" classname="./a_test.ts" time="0.002" line="1" col="6">
            <failure message="1 test step failed">1 test step failed.</failure>
        </testcase>
        <testcase name="two &gt; three" classname="./a_test.ts" time="0.000" line="2" col="6">
        </testcase>
        <testcase name="ignored" classname="./a_test.ts" time="0.000" line="3" col="6">
            <skipped/>
        </testcase>
        <testcase name="one &gt; step" classname="./a_test.ts" time="0.000" line="1" col="41">
        </testcase>
        <testcase name="one &gt; step &gt; deeper" classname="./a_test.ts" time="0.001" line="1" col="71">
            <failure message="Uncaught Error: x">&lt;testcase name=&quot;no&quot;&gt;</failure>
        </testcase>
    </testsuite>
    <testsuite name="./b_test.ts" tests="1" disabled="0" errors="0" failures="0">
        <testcase name="one" classname="./b_test.ts" time="0.012" line="1" col="6">
        </testcase>
    </testsuite>
</testsuites>`;

Deno.test("steps are no tests of their own, and a test's name may contain the step mark", () => {
  assertEquals(countTests(REPORT), { passed: 2, failed: 1, skipped: 1 });
});

Deno.test("an empty report has no tests", () => {
  assertEquals(countTests(""), { passed: 0, failed: 0, skipped: 0 });
});

Deno.test("the closing line names skipped tests only where there are some", () => {
  assertEquals(closingLine({ passed: 2, failed: 0, skipped: 0 }), "2 passed, 0 failed");
  assertEquals(closingLine({ passed: 2, failed: 1, skipped: 3 }), "2 passed, 1 failed, 3 skipped");
});
