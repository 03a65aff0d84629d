// The slope of values over time with its confidence interval: ordinary least squares.

/** Two-sided 95 % of the normal distribution; a soak has dozens of samples or more. */
const Z95 = 1.96;

/**
 * @param {readonly {x: number, y: number}[]} points at least three
 * @returns {{slope: number, low: number, high: number}} y per x, and the ends of its 95 % interval
 */
export function linearFit(points) {
  const count = points.length;
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count;
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / count;
  const xx = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  const xy = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const slope = xy / xx;
  const rest = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  const error = Math.sqrt(rest / (count - 2) / xx);
  return { slope, low: slope - Z95 * error, high: slope + Z95 * error };
}
