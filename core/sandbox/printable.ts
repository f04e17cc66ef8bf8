/**
 * Text of strangers on a terminal: what would be acted on, turn the line round or not be seen is shown as what it is.
 *
 * @module
 */

/**
 * What does not show as itself: controls, format marks (bidirectional ones and zero-width ones among them), surrogates, private use,
 * unassigned, separators but the space, variation selectors, and letters that show as nothing.
 */
const UNSEEN =
  /[\p{C}\p{Zl}\p{Zp}\u{fe00}-\u{fe0f}\u{e0100}-\u{e01ef}\u{115f}\u{1160}\u{3164}\u{ffa0}\u{34f}]|(?! )\p{Zs}/u;

/** Marks that are put upon letters; more than two upon one run over the lines above and below. */
const HEAPED = /\p{M}{3}/u;

/** Characters that take two columns of a terminal (Unicode Standard Annex 11, as far as it matters here). */
const WIDE =
  /[\u{1100}-\u{115f}\u{2e80}-\u{303e}\u{3041}-\u{a4cf}\u{ac00}-\u{d7a3}\u{f900}-\u{faff}\u{fe30}-\u{fe6f}\u{ff00}-\u{ff60}\u{ffe0}-\u{ffe6}\u{1f000}-\u{1faff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;

/** The first thing in a text that does not show as itself, as a sentence would name it; undefined if there is none. */
export function unprintable(text: string): string | undefined {
  const unseen = UNSEEN.exec(text)?.[0];
  if (unseen !== undefined) {
    return `the character U+${unseen.codePointAt(0)!.toString(16).toUpperCase().padStart(4, "0")}`;
  }
  return HEAPED.test(text) ? "more than two marks upon one letter" : undefined;
}

/** The text with escapes in place of what does not show as itself. */
export function printable(text: string): string {
  const seen = text.replace(new RegExp(UNSEEN, "gu"), escaped);
  return seen.replace(
    /(\p{M}{2})(\p{M}+)/gu,
    (_all, some: string, more: string) => some + [...more].map(escaped).join(""),
  );
}

/** The columns that a printable text takes on a terminal. */
export function columns(text: string): number {
  let width = 0;
  for (const character of text) width += /\p{M}/u.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/**
 * Lines of at most `width` columns, broken at spaces where there are any, else anywhere.
 *
 * @param text Printable text.
 */
export function wrapped(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (columns(longer) <= width) {
      line = longer;
      continue;
    }
    if (line !== "") lines.push(line);
    line = "";
    for (const character of word) {
      if (columns(line + character) > width) {
        lines.push(line);
        line = "";
      }
      line += character;
    }
  }
  return line === "" && lines.length > 0 ? lines : [...lines, line];
}

function escaped(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`;
}
