/** Where the demo shows what happens: drawn over on a terminal, appended elsewhere. */
export interface Screen {
  /** Shows the live view; drawn over by the next. Does nothing where nothing can be drawn over. */
  draw(lines: readonly string[]): void;
  /** Appends lines that stay. */
  print(lines: readonly string[]): void;
  readonly drawable: boolean;
}

/** A screen on an output stream. */
export function createScreen(output: NodeJS.WriteStream): Screen {
  let drawn = 0;
  const erase = (): string => (drawn === 0 ? "" : `\u001B[${drawn}A\u001B[J`);
  return {
    drawable: output.isTTY,
    draw(lines) {
      if (!output.isTTY) return;
      // A line that wraps would make the count of drawn lines wrong.
      const cut = lines.map((line) => line.slice(0, output.columns - 1));
      output.write(`${erase()}${cut.join("\n")}\n`);
      drawn = cut.length;
    },
    print(lines) {
      output.write(`${erase()}${lines.join("\n")}\n`);
      drawn = 0;
    },
  };
}
