/** Bars of block characters, an eighth of a cell fine. */

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/**
 * A bar for the part of a whole, so many cells long where the part is the whole. Anything above nothing shows at least
 * an eighth of a cell.
 */
export function bar(part: number, whole: number, cells: number): string {
  if (part <= 0 || whole <= 0) return "";
  const eighths = Math.max(1, Math.min(cells * 8, Math.round((part / whole) * cells * 8)));
  return "█".repeat(Math.floor(eighths / 8)) + (EIGHTHS[eighths % 8] ?? "");
}

/** A bar of two shades: the part dark, the rest of the whole light. */
export function shadedBar(part: number, whole: number, most: number, cells: number): string {
  if (whole <= 0) return "";
  const long = Math.max(1, Math.round((whole / most) * cells));
  const dark = part <= 0 ? 0 : Math.min(long, Math.max(1, Math.round((part / most) * cells)));
  return "█".repeat(dark) + "░".repeat(long - dark);
}

/** A part of a whole as a person reads it: "12.3 %". */
export function percentText(part: number, whole: number): string {
  return whole === 0 ? "-" : `${((100 * part) / whole).toFixed(1)} %`;
}
