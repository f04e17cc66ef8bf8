import { toFileUrl } from "@std/path";
import { isTest, partOf, pathInHouse } from "./house.ts";

/** What would let the host's time or chance into a device, and what a device uses in its place. */
const REFUSED: Readonly<Record<string, string>> = {
  Date: "virtual time (ctx.now()); the date at power-on is configuration",
  performance: "virtual time (ctx.now())",
  Temporal: "virtual time (ctx.now())",
  setTimeout: "an alarm (ctx.alarm)",
  setInterval: "an alarm (ctx.alarm)",
  crypto: "a seed from its configuration",
  Deno: "what its context names",
  process: "what its context names",
};

/** Devices know virtual time and their inputs only, or a replay would differ from the run it replays. */
export const deviceTime: Deno.lint.Rule = {
  create(context) {
    const path = pathInHouse(toFileUrl(context.filename));
    if (path === undefined || partOf(path) !== "devices" || isTest(path)) return {};

    const report = (node: Deno.lint.Node, name: string, instead: string | undefined) =>
      context.report({ node, message: `a device may not use ${name}: it uses ${instead}` });

    return {
      Identifier(node) {
        if (Object.hasOwn(REFUSED, node.name) && isReference(node)) report(node, node.name, REFUSED[node.name]);
      },
      MemberExpression(node) {
        const { object, property } = node;
        if (object.type !== "Identifier") return;
        const name = property.type === "Literal"
          ? String(property.value)
          : property.type === "Identifier" && !node.computed
          ? property.name
          : "";
        if (object.name === "Math" && name === "random") report(node, "Math.random", REFUSED["crypto"]);
        if (object.name === "globalThis" && Object.hasOwn(REFUSED, name)) report(node, name, REFUSED[name]);
      },
    };
  },
};

/** Whether an identifier stands for a variable rather than naming a property, a key or a type's member. */
function isReference(node: Deno.lint.Identifier): boolean {
  const { parent } = node;
  switch (parent.type) {
    case "MemberExpression":
      return parent.object === node || parent.computed;
    case "Property":
    case "PropertyDefinition":
    case "MethodDefinition":
      return parent.computed || parent.key !== node;
    case "TSPropertySignature":
    case "TSMethodSignature":
    case "TSTypeReference":
      return false;
    default:
      return true;
  }
}
