/**
 * Draws terminal text as an SVG picture, for the README.
 *
 *     deno run tools/terminal_picture.ts TITLE < text > picture.svg
 *
 * @module
 */

const COLUMNS = 96, LINE = 18, GLYPH = 8.4, MARGIN = 16, BAR = 34;

function escape(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The picture of `text` under a title. */
export function terminalPicture(title: string, text: string): string {
  // deno-lint-ignore no-control-regex -- terminal control sequences are what is taken out
  const plain = text.replaceAll(/\x1b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r", "").replace(/\n+$/, "");
  const lines = plain.split("\n").map((line) => line.slice(0, COLUMNS));
  const width = Math.ceil(COLUMNS * GLYPH) + 2 * MARGIN, height = BAR + lines.length * LINE + MARGIN;
  const dots = ["#ff5f57", "#febc2e", "#28c840"].map((color, i) =>
    `<circle cx="${20 + i * 18}" cy="17" r="5.5" fill="${color}"/>`
  );
  const rows = lines.map((line, i) => {
    const typed = /^(\$|~ #) /.test(line);
    const y = BAR + 14 + i * LINE;
    return `<text x="${MARGIN}" y="${y}" xml:space="preserve"${typed ? ' fill="#9ece6a"' : ""}>${escape(line)}</text>`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<rect width="100%" height="100%" rx="8" fill="#1a1b26"/>
${dots.join("\n")}
<text x="${width / 2}" y="22" text-anchor="middle" font-family="sans-serif" font-size="13" fill="#787c99">${
    escape(title)
  }</text>
<g font-family="ui-monospace, Menlo, Consolas, monospace" font-size="14" fill="#c0caf5">
${rows.join("\n")}
</g>
</svg>
`;
}

if (import.meta.main) {
  const text = await new Response(Deno.stdin.readable).text();
  console.log(terminalPicture(Deno.args[0] ?? "bulkhead", text).trimEnd());
}
