/**
 * The guide for authors, followed as it stands: each of its snippets is a file that is checked and run, or a command that is run, in the
 * guide's order, by somebody who has nothing but a home folder.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { cacheFolder } from "../plugins/debian/host.ts";
import { bundleFile } from "../cli/plugin/plugin_file.ts";
import { configurationFile, setup } from "../cli/plugin/author_setup.ts";
import { Folder } from "./command_line.ts";
import { BUSYBOX, guestTest, NETBOOT } from "./debian_guests.ts";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

interface Snippet {
  readonly language: string;
  readonly info: string;
  readonly text: string;
  readonly line: number;
}

/** The code blocks of a Markdown text. */
function snippets(markdown: string): Snippet[] {
  return [...markdown.matchAll(/^```(\w+)([^\n]*)\n([\s\S]*?)^```$/gm)].map((match) => ({
    language: match[1]!,
    info: match[2]!.trim(),
    text: match[3]!,
    line: markdown.slice(0, match.index).split("\n").length,
  }));
}

const GUIDE = snippets(await Deno.readTextFile(`${ROOT}docs/plugins.md`));
const FILES = GUIDE.filter(({ language }) => language === "ts");

async function writeFiles(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  for (const { info, text } of FILES) await Deno.writeTextFile(`${folder}/${info}`, text);
  await Deno.writeTextFile(`${folder}/deno.json`, configurationFile("beacon.ts", setup()));
}

Deno.test("every snippet of the guide is a file with a name, a command or what a command prints", () => {
  for (const { language, info, line } of GUIDE) {
    assert(["ts", "sh", "text"].includes(language), `line ${line}: ${language}`);
    if (language === "ts") assert(/^[a-z_]+\.ts$/.test(info), `line ${line}: no name`);
  }
});

Deno.test("the guide's files have their types, pass their tests and are plugins", async () => {
  await using home = await Folder.make();
  const folder = home.file("guide");
  await writeFiles(folder);
  for (const args of [["check", "--quiet", "."], ["test", "--quiet", "--no-prompt"]]) {
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args,
      cwd: folder,
      env: { NO_COLOR: "1" },
    }).output();
    assert(success, new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr));
  }
  for (const { info } of FILES) if (!info.includes("_test")) await bundleFile(`${folder}/${info}`);
});

guestTest("the guide's commands do what the guide says", [NETBOOT, BUSYBOX], async () => {
  await using home = await Folder.make();
  await writeFiles(home.file("guide"));
  // One shell for all commands, which says where one ends; a command that is to fail fails.
  const script = GUIDE.filter(({ language }) => language === "sh").map(({ text, info, line }) =>
    `echo "@@ ${line}"\n${info === "fails" ? `if { ${text.trim()}; }; then exit 9; fi` : text}`
  ).join("\n");
  const { code, stdout, stderr } = await new Deno.Command("bash", {
    args: ["-ec", `exec 2>&1\ndeno() { ${JSON.stringify(Deno.execPath())} "$@"; }\n${script}`],
    cwd: ROOT,
    env: {
      HOME: home.path,
      XDG_CACHE_HOME: cacheFolder(Deno.env.toObject()).replace(/\/bulkhead$/, ""),
      DENO_DIR: await denoDir(),
      NO_COLOR: "1",
    },
    stdin: "null",
  }).output();
  const text = new TextDecoder().decode(stdout).replaceAll("\r", "");
  assertEquals(code, 0, text + new TextDecoder().decode(stderr));
  const parts = new Map(text.split("@@ ").slice(1).map((part) => [parseInt(part), part] as const));
  let line = 0;
  for (const snippet of GUIDE) {
    if (snippet.language === "sh") line = snippet.line;
    if (snippet.language !== "text") continue;
    for (const expected of snippet.text.trim().split("\n")) assertStringIncludes(parts.get(line)!, expected);
  }
});

async function denoDir(): Promise<string> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout)).denoDir;
}
