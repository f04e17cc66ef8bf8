import { toFileUrl } from "@std/path";
import { bareRefusal, partOf, pathInHouse, refusal } from "./house.ts";

/** Why the file may not import the specifier, or undefined when it may. */
function judge(file: URL, specifier: string): string | undefined {
  const from = pathInHouse(file);
  if (from === undefined) return undefined;
  if (!/^(\.{0,2}\/|file:)/.test(specifier)) return bareRefusal(from, specifier);
  const to = pathInHouse(new URL(specifier, file));
  if (to !== undefined) return refusal(from, to);
  return partOf(from) && `a file outside of the repository: ${specifier}`;
}

/** Imports run downward only. `house.ts` says what downward is. */
export const oneWayImports: Deno.lint.Rule = {
  create(context) {
    const file = toFileUrl(context.filename);
    const check = (node: Deno.lint.Node, source: Deno.lint.Node | null | undefined) => {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const message = judge(file, source.value);
      if (message !== undefined) context.report({ node, message });
    };
    return {
      ImportDeclaration: (node) => check(node, node.source),
      ExportNamedDeclaration: (node) => check(node, node.source),
      ExportAllDeclaration: (node) => check(node, node.source),
      ImportExpression: (node) => check(node, node.source),
      TSImportType: (node) => check(node, node.argument.type === "TSLiteralType" ? node.argument.literal : undefined),
    };
  },
};
