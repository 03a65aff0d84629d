// Columns of text for tables in the terminal. Pure.

/**
 * Pad cells so that columns line up: text to the left, numbers to the right.
 *
 * @param lines rows of cells, the head among them
 * @param textColumns so many columns from the left are text
 */
export function alignCells(lines: readonly (readonly string[])[], textColumns: number): string[][] {
  const widths: number[] = [];
  for (const line of lines) {
    for (const [i, cell] of line.entries()) widths[i] = Math.max(widths[i] ?? 0, cell.length);
  }
  return lines.map((line) =>
    line.map((cell, i) => (i < textColumns ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))),
  );
}
