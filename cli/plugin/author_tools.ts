/**
 * Deno's own tools on an author's file: its type checker, and its test runner without any right.
 *
 * @module
 */
import { configurationFile, setup } from "./author_setup.ts";

/** Lines of a tool's output that are told. */
const MOST_LINES = 12;

/** What the type checker says of a file; nothing if all is well. */
export async function typesOf(file: string): Promise<string[]> {
  const { success, text } = await deno(["check", "--quiet"], file);
  return success ? [] : [firstErrors(text)];
}

/** How a plugin's own test went. */
export interface OwnTest {
  /** Why it does not count; empty if it passed. */
  readonly problems: readonly string[];
  /** What it said. */
  readonly found: string;
}

/** Runs the test beside a plugin, `NAME_test.ts`. It gets no right. */
export async function ownTest(file: string): Promise<OwnTest> {
  const test = file.replace(/\.ts$/, "_test.ts");
  const is = await Deno.stat(test).then(({ isFile }) => isFile, () => false);
  if (!is || test === file) return { problems: [`there is no ${test}`], found: "" };
  const { success, text } = await deno(["test", "--quiet", "--no-prompt"], test);
  const summary = /\d+ passed.*$/m.exec(text)?.[0]?.replace(/ \(.*$/, "") ?? "it ran";
  return success ? { problems: [], found: summary } : { problems: [firstErrors(text)], found: "" };
}

/** Runs a tool on a file with the configuration beside it, or with one that knows the contract where there is none. */
async function deno(args: readonly string[], file: string): Promise<{ success: boolean; text: string }> {
  const own = await configurationOf(file);
  const made = own === undefined ? await Deno.makeTempDir({ prefix: "bulkhead-" }) : undefined;
  try {
    const configuration = own ?? `${made}/deno.json`;
    if (made !== undefined) await Deno.writeTextFile(configuration, configurationFile(file, setup()));
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [...args, "--config", configuration, file],
      env: { NO_COLOR: "1" },
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    return { success, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } finally {
    if (made !== undefined) await Deno.remove(made, { recursive: true });
  }
}

/** The configuration beside the file or above it. Deno itself looks for it from the current folder. */
async function configurationOf(file: string): Promise<string | undefined> {
  let folder = await Deno.realPath(file).catch(() => file);
  while (/[/\\]/.test(folder)) {
    folder = folder.replace(/[/\\][^/\\]*$/, "");
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = `${folder}/${name}`;
      if (await Deno.stat(path).then(() => true, () => false)) return path;
    }
  }
  return undefined;
}

function firstErrors(text: string): string {
  const lines = text.split("\n").map((line) => line.trimEnd()).filter((line) =>
    line !== "" && !/^(Stack backtrace|\s+\d+: |Check |Warning )/.test(line)
  );
  return lines.slice(0, MOST_LINES).join("\n           ");
}
