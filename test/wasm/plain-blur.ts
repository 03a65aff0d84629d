// The twin of the blur kernels: plain running sums, each pass rounded to the nearest step. Also the baseline of the bench.

/** Radii of the boxes of a gaussian blur whose standard deviation is half the radius, found by trying all that are near. */
export function plainGaussianRadii(radius: number): number[] {
  let best: number[] = [1];
  // In twelfths, so that nothing is rounded: a box of 2r + 1 samples has a variance of r (r + 1) / 3.
  const off = (radii: readonly number[]): number =>
    Math.abs(radii.reduce((sum, r) => sum + 4 * r * (r + 1), 0) - 3 * radius ** 2);
  for (let small = 0; small <= radius; small++) {
    for (const larger of [1, 2, 3]) {
      const radii = [0, 1, 2].map((i) => (i < larger ? small + 1 : small)).filter((r) => r > 0);
      // Of two that are equally near, the wider one.
      if (off(radii) <= off(best)) best = radii;
    }
  }
  return best.sort((a, b) => a - b);
}

/** A plane blurred by boxes of these radii: along columns, then along rows. */
export function plainBlur(
  plane: Uint8Array,
  { width, height }: { width: number; height: number },
  radii: readonly number[],
): Uint8Array {
  let [from, to] = [plane.slice(), new Uint8Array(plane.length)];
  for (const radius of radii) {
    for (let x = 0; x < width; x++) boxLine(from, to, x, width, height, radius);
    [from, to] = [to, from];
  }
  for (const radius of radii) {
    for (let y = 0; y < height; y++) boxLine(from, to, y * width, 1, width, radius);
    [from, to] = [to, from];
  }
  return from;
}

function boxLine(
  from: Uint8Array,
  to: Uint8Array,
  start: number,
  step: number,
  length: number,
  radius: number,
): void {
  const window = 2 * radius + 1;
  const last = start + (length - 1) * step;
  const first = from[start] as number;
  let sum = radius * first;
  for (let i = 0; i <= radius; i++) sum += from[Math.min(start + i * step, last)] as number;
  let entering = start + (radius + 1) * step;
  let leaving = start - radius * step;
  for (let at = start; at <= last; at += step) {
    to[at] = (sum + radius) / window;
    sum += from[entering < last ? entering : last] as number;
    sum -= leaving > start ? (from[leaving] as number) : first;
    entering += step;
    leaving += step;
  }
}
