import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { BulkheadError } from "../../core/bus/error.ts";
import { list, pull } from "./debian.ts";
import { cacheFolder, type CommandResult, type DebianHost } from "./host.ts";
import { IMAGES } from "./images.ts";

const okay: CommandResult = { code: 0, stdout: "", stderr: "" };

/** What apt and dpkg-deb do in these tests: the words that name a step, or `unpack`, to what happens. */
interface Script {
  update?: CommandResult;
  packages?: Readonly<Record<string, string>>;
  download?: CommandResult;
  unpack?: CommandResult;
  targets?: string;
  content?: Readonly<Record<string, string>>;
  before?: (step: string) => void;
}

/** A host without a network: packages are stanzas, and unpacking one makes `content`. */
function hostOf(cache: string, script: Script): DebianHost & { readonly steps: string[] } {
  const steps: string[] = [];
  return {
    cache,
    steps,
    async run(program, args, { cwd }) {
      const verbs = ["update", "show", "indextargets", "--print-uris", "download", "-x"];
      const step = verbs.find((verb) => args.includes(verb)) ?? "";
      steps.push(step);
      script.before?.(step);
      assert(program === (step === "-x" ? "dpkg-deb" : step === "show" ? "apt-cache" : "apt-get"));
      if (step === "update") return script.update ?? okay;
      if (step === "indextargets") return { ...okay, stdout: script.targets ?? "" };
      if (step === "show") {
        const stanza = script.packages?.[args.at(-1) ?? ""];
        return stanza === undefined
          ? { ...okay, code: 100, stderr: "E: No packages found" }
          : { ...okay, stdout: stanza };
      }
      if (step === "--print-uris") return { ...okay, stdout: "'http://host/p.deb' p.deb 2000000 SHA256:00" };
      if (step === "download") {
        await Deno.writeTextFile(`${cwd}/p.deb`, "deb");
        return script.download ?? okay;
      }
      for (const [path, text] of Object.entries(script.content ?? {})) {
        const whole = `${args.at(-1)}/${path}`;
        await Deno.mkdir(whole.slice(0, whole.lastIndexOf("/")), { recursive: true });
        await Deno.writeTextFile(whole, text);
      }
      return script.unpack ?? okay;
    },
  };
}

/** A module that says what it needs and what it is for. */
const MODULE = "\0license=GPL\0alias=pci:v00001AF4d*\0depends=virtio\0";

const busybox: Script = {
  packages: { "busybox-static": "Package: busybox-static\nVersion: 1:1.35.0-4\nDepends: libc6\n" },
  content: { "bin/busybox": "program", "usr/share/doc/readme": "text" },
};

async function inCache(run: (cache: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await run(`${folder}/bulkhead`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Every path below a folder. */
async function pathsIn(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    paths.push(name);
    if (isDirectory) paths.push(...(await pathsIn(`${folder}/${name}`)).map((path) => `${name}/${path}`));
  }
  return paths.sort();
}

Deno.test("a pulled image has its files, is listed, and is not fetched again", () =>
  inCache(async (cache) => {
    const host = hostOf(cache, busybox);
    const before = await list(host);
    assertEquals(before.map(({ name }) => name), IMAGES.map(({ name }) => name));
    assert(before.every(({ stored }) => stored === undefined));

    const image = await pull("busybox-static-i386", host);
    assertEquals(image, {
      package: "busybox-static",
      version: "1:1.35.0-4",
      size: 7,
      files: { program: `${cache}/images/busybox-static-i386/busybox` },
    });
    assertEquals(await Deno.readTextFile(image.files.program ?? ""), "program");
    assertEquals(await pathsIn(cache), [
      "images",
      "images/busybox-static-i386",
      "images/busybox-static-i386/busybox",
      "images/busybox-static-i386/image.json",
    ]);
    const steps = host.steps.length;
    assertEquals(await pull("busybox-static-i386", host), image);
    assertEquals(host.steps.length, steps);
    assertEquals((await list(host)).find(({ name }) => name === "busybox-static-i386")?.stored, image);
  }));

Deno.test("a damaged image is fetched again", () =>
  inCache(async (cache) => {
    const host = hostOf(cache, busybox);
    const { files } = await pull("busybox-static-i386", host);
    for (const damage of ["", "programs"]) {
      await Deno.writeTextFile(files.program ?? "", damage);
      await pull("busybox-static-i386", host);
      assertEquals(await Deno.readTextFile(files.program ?? ""), "program");
    }
    await Deno.writeTextFile(`${cache}/images/busybox-static-i386/image.json`, "{");
    await pull("busybox-static-i386", host);
    assertEquals((await pathsIn(cache)).length, 4);
  }));

Deno.test("a metapackage leads to the package with the kernel", () =>
  inCache(async (cache) => {
    const host = hostOf(cache, {
      packages: {
        "linux-image-686-pae": "Version: 6.1.1-1\nDepends: adduser, linux-image-6.1.0-9-686-pae (= 6.1.1-1)\n",
        "linux-image-6.1.0-9-686-pae": "Version: 6.1.1-1\n",
      },
      content: { "boot/vmlinuz-6.1.0-9-686-pae": "kernel", "boot/config-6.1.0-9-686-pae": "" },
    });
    const { files, package: origin } = await pull("linux-686-pae", host);
    assertEquals(origin, "linux-image-6.1.0-9-686-pae");
    assertEquals(files, { kernel: `${cache}/images/linux-686-pae/vmlinuz-6.1.0-9-686-pae` });
  }));

Deno.test("a kernel's modules become an initial RAM disk; one that lacks a module is refused", () =>
  inCache(async (cache) => {
    const { modules = [] } = IMAGES.find(({ name }) => name === "linux-686")!;
    const paths = modules.map((name) => `lib/modules/6.1.0-9-686/kernel/${name}.ko`);
    const packages = { "linux-image-686": "Version: 6.1.1-1\nDepends: linux-image-6.1.0-9-686\n" };
    const script = (paths: readonly string[]): Script => ({
      packages: { ...packages, "linux-image-6.1.0-9-686": "Version: 6.1.1-1\n" },
      content: { "boot/vmlinuz-6.1.0-9-686": "kernel", ...Object.fromEntries(paths.map((path) => [path, MODULE])) },
    });
    const error = await assertRejects(() => pull("linux-686", hostOf(cache, script(paths.slice(1)))), BulkheadError);
    assertStringIncludes(error.message, `the module ${modules[0]}`);
    const { files } = await pull("linux-686", hostOf(cache, script([...paths, "lib/modules/6.1.0-9-686/other.ko"])));
    const archive = await Deno.readTextFile(files.initrd ?? "");
    for (const path of paths) assertStringIncludes(archive, path);
    assertEquals(archive.includes("other.ko"), false);
    assertStringIncludes(archive, "kernel/virtio_blk.ko: kernel/virtio.ko\n");
    assertStringIncludes(archive, "alias pci:v00001AF4d* virtio_blk\n");
  }));

Deno.test("a source that fails does not matter where another has the package", () =>
  inCache(async (cache) => {
    const update = { code: 100, stdout: "", stderr: "E: Failed to fetch http://other/Packages  404  Not Found\n" };
    await pull("busybox-static-i386", hostOf(cache, { ...busybox, update }));
  }));

Deno.test("another release of Debian is asked for the packages of Debian 12", () =>
  inCache(async (cache) => {
    let added = "";
    let updates = 0;
    const packages: Record<string, string> = {};
    const host = hostOf(cache, {
      packages,
      content: { "bin/busybox": "program" },
      targets: "Debian\ttrixie\t/usr/share/keyrings/debian-archive-keyring.gpg\thttp://mirror/debian/\n",
      before(step) {
        if (step !== "update" || ++updates < 2) return;
        const [work] = Array.from(Deno.readDirSync(cache)).filter(({ name }) => name.startsWith(".pull-"));
        added = Deno.readTextFileSync(`${cache}/${work?.name}/apt/release.list`);
        packages["busybox-static"] = "Version: 1\n";
      },
    });
    await pull("busybox-static-i386", host);
    assertEquals(
      added,
      "deb [arch=i386 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://mirror/debian/ bookworm main\n",
    );
  }));

Deno.test("each failure is a sentence that names what to give instead, and leaves nothing behind", () =>
  inCache(async (cache) => {
    const refuse = async (script: Script, name = "debian-12-netboot-i386") => {
      const error = await assertRejects(() => pull(name, hostOf(cache, script)), BulkheadError);
      assert(!error.message.includes("\n"));
      const left = await pathsIn(cache).catch(() => []);
      assertEquals(left.filter((path) => path !== "images"), []);
      return error;
    };
    const absent = () => {
      throw new Deno.errors.NotFound("No such file or directory");
    };
    const offline = {
      code: 0,
      stdout: "",
      stderr: "W: Failed to fetch http://host/InRelease  Could not resolve 'host'\n",
    };
    const packages = { "debian-installer-12-netboot-i386": "Version: 1\n" };
    const failed = { code: 100, stdout: "", stderr: "E: Unable to fetch file, server said 'Not Found'\n" };
    const full = { code: 2, stdout: "", stderr: "dpkg-deb: error: subprocess was killed: No space left on device\n" };
    const cases: [string, string, Script][] = [
      ["no-apt", "apt-get", { before: absent }],
      ["package-lists", "Could not resolve", { update: offline }],
      ["package-not-found", "no such package", {}],
      ["package-not-found", "no such package", { targets: "Ubuntu\tnoble\t\thttp://host/ubuntu/\n" }],
      ["package-download", "server said", { packages, download: failed }],
      ["package-content", "No space left", { packages, unpack: full }],
      ["package-content", "the file usr/lib/debian-installer", { packages }],
    ];
    for (const [code, text, script] of cases) {
      const error = await refuse(script);
      assertEquals(error.code, code);
      assertStringIncludes(error.message, text);
      assertStringIncludes(error.message, "--kernel FILE and --initrd FILE");
    }
    const error = await refuse({}, "windows-95");
    assertEquals(error.code, "unknown-image");
    assertStringIncludes(error.message, "debian-12-netboot-i386, busybox-static-i386");
  }));

Deno.test("an interruption at any step leaves nothing behind", () =>
  inCache(async (cache) => {
    const steps = ["update", "show", "--print-uris", "download", "-x"];
    for (const at of steps) {
      const interrupt = new AbortController();
      const host = hostOf(cache, {
        ...busybox,
        before(step) {
          if (step === at) interrupt.abort();
        },
      });
      const error = await assertRejects(
        () => pull("busybox-static-i386", { ...host, signal: interrupt.signal }),
        BulkheadError,
      );
      assertEquals(error.code, "interrupted");
      assertEquals(await pathsIn(cache), ["images"]);
    }
  }));

Deno.test("a cache folder that cannot be made is named", () =>
  inCache(async (cache) => {
    await Deno.mkdir(cache);
    await Deno.writeTextFile(`${cache}/file`, "");
    const error = await assertRejects(
      () => pull("busybox-static-i386", hostOf(`${cache}/file/x`, busybox)),
      BulkheadError,
    );
    assertEquals(error.code, "cache-folder");
    assertStringIncludes(error.message, "XDG_CACHE_HOME");
  }));

Deno.test("work folders of a killed pull go with a later one, those of a running pull stay", () =>
  inCache(async (cache) => {
    await Deno.mkdir(`${cache}/.pull-old`, { recursive: true });
    await Deno.mkdir(`${cache}/.pull-new`);
    await Deno.utime(`${cache}/.pull-old`, 0, 0);
    await pull("busybox-static-i386", hostOf(cache, busybox));
    const paths = await pathsIn(cache);
    assertEquals([paths.includes(".pull-old"), paths.includes(".pull-new")], [false, true]);
  }));

Deno.test("pulls of one image at once all succeed, whichever step of another's each meets", async () => {
  for (let round = 0; round < 40; round++) {
    await inCache(async (cache) => {
      // Each comes a little later than the one before, in each round by another time.
      const pulls = Array.from({ length: 8 }, async (_, k) => {
        await new Promise((resolve) => setTimeout(resolve, k * round % 7));
        return pull("busybox-static-i386", hostOf(cache, busybox));
      });
      const [first, ...others] = await Promise.all(pulls);
      for (const other of others) assertEquals(other, first);
      assertEquals((await pathsIn(cache)).length, 4);
    });
  }
});

Deno.test("progress is reported where somebody watches", () =>
  inCache(async (cache) => {
    const said: string[] = [];
    await pull("busybox-static-i386", { ...hostOf(cache, busybox), progress: (text) => said.push(text) });
    assert(said.some((text) => text.includes("lists of packages")));
    assert(said.includes("unpacking busybox-static"));
  }));

Deno.test("the cache folder follows the XDG Base Directory Specification", async () => {
  assertEquals(cacheFolder({ XDG_CACHE_HOME: "/c/", HOME: "/h" }), "/c/bulkhead");
  assertEquals(cacheFolder({ XDG_CACHE_HOME: "relative", HOME: "/h" }), "/h/.cache/bulkhead");
  assertEquals(cacheFolder({ XDG_CACHE_HOME: "", HOME: "/h" }), "/h/.cache/bulkhead");
  const error = await assertRejects(() => Promise.resolve().then(() => cacheFolder({})), BulkheadError);
  assertEquals(error.code, "no-cache-folder");
});

const network = await Deno.permissions.query({ name: "env", variable: "BULKHEAD_TEST_NETWORK" })
  .then(({ state }) => state === "granted" && Deno.env.has("BULKHEAD_TEST_NETWORK"));

Deno.test({
  name: "apt fetches every image",
  ignore: !network,
  fn: () =>
    inCache(async (cache) => {
      const decoder = new TextDecoder();
      const host: DebianHost = {
        cache,
        async run(program, args, { cwd }) {
          const command = new Deno.Command(program, { args: [...args], cwd, stdin: "null" });
          const { code, stdout, stderr } = await command.output();
          return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
        },
      };
      for (const { name, files } of IMAGES) {
        const image = await pull(name, host);
        assertEquals(Object.keys(image.files), Object.keys(files));
        assert(image.size > 1000);
      }
    }),
});
