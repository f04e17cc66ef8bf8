/**
 * A plugin as its machine gets it.
 *
 * @module
 */
import type { HostRights } from "../bus/host_rights.ts";
import type { PluginManifest } from "./description.ts";
import type { Grant } from "./grants.ts";
import type { Placement } from "./placement.ts";

/** A plugin of a machine with its text, its rights and the real things that these are bound to. */
export interface BoundPlugin {
  /** Its name in the machine. */
  readonly name: string;
  /** Where its file came from: a URL. */
  readonly origin: string;
  /** It is part of this release, which whoever runs it trusts already. */
  readonly own: boolean;
  /** The one JavaScript text that runs. */
  readonly text: string;
  /** What it declares. */
  readonly manifest: PluginManifest;
  /** The hash of text and manifest. */
  readonly content: string;
  /** Where it runs. */
  readonly placement: Placement;
  /** What it gets of the rights that its manifest asks for: no more, and less where a disk is not to be changed. */
  readonly rights: HostRights;
  /** What these are bound to. */
  readonly grant: Grant;
}
