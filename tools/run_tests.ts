/**
 * Runs the tests with the rights they need and no other, and closes with `N passed, N failed`. Arguments go to
 * `deno test`: files, folders, `--filter`. Exits with 0 only when at least one test ran and none failed.
 *
 * @module
 */
import { exists } from "@std/fs";
import { closingLine, countTests, type Outcome } from "./junit.ts";

const REPORT = "junit.xml";

/**
 * Tests read the tree and the host's guests, write to temporary folders, and start machines. Writing and running are not
 * limited to those only because `Deno.symlink` and `Deno.kill` ask for the whole right. Of the network, the loopback address, for the gdb
 * listener of a machine; no foreign functions.
 */
const RIGHTS = [
  "--no-prompt",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys=uid,gid",
  "--allow-run",
  "--allow-net=127.0.0.1",
];

/** The guide's pieces make up whole files only together: `tests/plugin_guide_test.ts` puts them into these, compiles and runs them. */
const ASSEMBLED = "docs/plugins.md";

if (await exists(REPORT)) await Deno.remove(REPORT);
const { code } = await new Deno.Command(Deno.execPath(), {
  args: ["test", ...RIGHTS, "--doc", `--ignore=${ASSEMBLED}`, `--junit-path=${REPORT}`, ...Deno.args],
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
}).output();

const outcome: Outcome = countTests(await exists(REPORT) ? await Deno.readTextFile(REPORT) : "");
const ran = outcome.passed + outcome.failed;
if (ran === 0) console.error("No test ran. Does the name or filter match one?");
if (code !== 0 && outcome.failed === 0) {
  // A file that does not load or type-check is in no report, yet it is a failure.
  if (ran > 0) console.error("A file could not be loaded; the reason stands above.");
  outcome.failed = 1;
}
console.log(closingLine(outcome));
Deno.exit(code !== 0 ? code : ran === 0 ? 1 : 0);
