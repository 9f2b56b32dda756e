/** Where the drawn zip codes lie, in characters: the denser a cell, the more was drawn there. Pure. */
import type { Catalogue } from "../../gen/zipnet/v1/epoch_pb.js";

const COLUMNS = 72;
const ROWS = 20;
/** The contiguous states, in degrees. What lies outside is in the table of states. */
const FRAME = { north: 49.5, south: 24.4, west: -125, east: -66.8 };
const SHADES = [" ", "·", "░", "▒", "▓", "█"];

/** The map, north up; undefined where no drawn zip code has a position in the contiguous states. */
export function drawnMap(catalogue: Catalogue, times: ReadonlyMap<string, number>): string | undefined {
  const cells = Array<number>(COLUMNS * ROWS).fill(0);
  for (const { zipCode, latitudeMicrodegrees, longitudeMicrodegrees } of catalogue.entries) {
    const [latitude, longitude] = [latitudeMicrodegrees / 1e6, longitudeMicrodegrees / 1e6];
    const column = Math.floor(((longitude - FRAME.west) / (FRAME.east - FRAME.west)) * COLUMNS);
    const row = Math.floor(((FRAME.north - latitude) / (FRAME.north - FRAME.south)) * ROWS);
    if (column < 0 || column >= COLUMNS || row < 0 || row >= ROWS) continue;
    const at = row * COLUMNS + column;
    cells[at] = (cells[at] ?? 0) + (times.get(zipCode) ?? 0);
  }
  const most = cells.reduce((max, value) => Math.max(max, value), 0);
  if (most === 0) return undefined;
  // By the root, as towns are many times denser than the land between them.
  const shadeOf = (value: number): string => SHADES[Math.ceil(Math.sqrt(value / most) * (SHADES.length - 1))] ?? " ";
  const lines = Array.from({ length: ROWS }, (_, row) =>
    cells
      .slice(row * COLUMNS, (row + 1) * COLUMNS)
      .map(shadeOf)
      .join("")
      .trimEnd(),
  );
  return `where zip codes were drawn, in the contiguous states\n${lines.map((line) => `  ${line}`.trimEnd()).join("\n")}`;
}
