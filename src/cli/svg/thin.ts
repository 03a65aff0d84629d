// Thins lines of more points than pixels, so that the drawing looks the same and its file stays small. Pure.

/** A point in pixels. */
export interface Place {
  readonly x: number;
  readonly y: number;
  /** Whether it is drawn at all, or interrupts the line. */
  readonly drawn: boolean;
}

/**
 * Keep of each column of pixels the first, lowest, highest and last point, in their order, and every interruption.
 *
 * @param places in pixels, x rising
 */
export function thinned<P extends Place>(places: readonly P[]): P[] {
  const kept: P[] = [];
  for (let from = 0; from < places.length;) {
    const to = endOfColumn(places, from);
    const column = places.slice(from, to);
    if (column.length <= 4) kept.push(...column);
    else {
      const lowest = column.reduce((best, place) => (place.y < best.y ? place : best));
      const highest = column.reduce((best, place) => (place.y > best.y ? place : best));
      const wanted = new Set([column[0], lowest, highest, column[column.length - 1]]);
      kept.push(...column.filter((place) => wanted.has(place)));
    }
    from = to;
  }
  return kept;
}

/** One behind the last place that shares the pixel column of `from`; an interruption is a column of its own. */
function endOfColumn(places: readonly Place[], from: number): number {
  const first = places[from];
  let to = from + 1;
  if (first?.drawn !== true) {
    while (to < places.length && places[to]?.drawn !== true) to++;
    return to;
  }
  for (; to < places.length; to++) {
    const place = places[to];
    if (place?.drawn !== true || Math.floor(place.x) !== Math.floor(first.x)) break;
  }
  return to;
}
