/**
 * Figures as the page writes them.
 */

/** Basis points as percent, with as many digits as they have: "62.5%". */
export function percent(bps: number): string {
  return `${bps / 100}%`;
}

/** A hotkey short enough for a table, long enough to tell apart. */
export function shortHotkey(hotkey: string): string {
  return hotkey.length <= 14 ? hotkey : `${hotkey.slice(0, 8)}…${hotkey.slice(-4)}`;
}

/** Whole seconds as h:mm:ss; 0:00:00 for what is past. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${Math.floor(seconds / 3600)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

/** A number with commas between thousands. */
export function grouped(value: number | bigint): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Bytes in a readable unit. */
export function bytes(value: number | bigint): string {
  const size = Number(value);
  if (size < 1_000) return `${size} B`;
  return size < 1_000_000 ? `${(size / 1_000).toFixed(1)} kB` : `${(size / 1_000_000).toFixed(1)} MB`;
}
