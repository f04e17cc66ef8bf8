/**
 * `bulkhead disk`: undoable disks, between two runs.
 *
 * @module
 */
import { commitOverlay, discardOverlay, overlayPath, overlayReport } from "../host/disk_overlay.ts";
import type { Command } from "./command.ts";
import { optionHelp, type OptionTable, parseArguments, usage } from "./options.ts";

const TABLE: OptionTable = {
  overlay: { value: "FILE", doc: "The overlay. Default: the image's name with .overlay behind it." },
  json: { doc: "Print JSON (info)." },
};

const HELP = `Actions:
  info     What an undoable disk's overlay holds.
  commit   Write what is in the overlay into the image, and remove the overlay. Done again if it was interrupted.
  discard  Remove the overlay: the disk is what it was before.

${optionHelp(TABLE)}`;

/** `bulkhead disk`. */
export const command: Command = {
  usage: "info|commit|discard IMAGE [options]",
  summary: "Look at what was written to an undoable disk, keep it, or throw it away.",
  help: HELP,
  run: async (argv) => {
    const args = parseArguments(argv, TABLE, 2);
    const [action, image] = args.operands;
    if (image === undefined) throw usage("disk", "an action and an image", "none", "see `bulkhead disk --help`");
    const overlay = args.get("overlay") ?? overlayPath(image);
    switch (action) {
      case "info": {
        const report = await overlayReport(overlay);
        if (args.has("json")) console.log(JSON.stringify(report, null, 2));
        else {
          console.log(`overlay   ${overlay}, ${report.file} bytes`);
          console.log(`disk      ${report.bytes} bytes, as ${report.base}`);
          console.log(`changed   ${report.changed} bytes, in generation ${report.generation}`);
          if (report.committing) console.log("A commit was interrupted: run `bulkhead disk commit` again.");
        }
        return 0;
      }
      case "commit":
        console.log(`${await commitOverlay(image, overlay)} bytes were written into ${image}`);
        return 0;
      case "discard":
        await discardOverlay(overlay);
        console.log(`${image} is what it was before`);
        return 0;
      default:
        throw usage("disk", "info, commit or discard", `"${action}"`);
    }
  },
};
