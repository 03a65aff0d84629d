// What low-pass filters are made of: the sinc and the Kaiser window (Kaiser and Schafer 1980). Pure arithmetic.

/** sin(pi x) / (pi x), and its limit at 0. */
export function sinc(x: number): number {
  return x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
}

/**
 * Kaiser window over -1 to 1, up to a factor; 0 outside.
 * @param beta its shape: the larger, the less leaks and the wider the transition
 */
export function kaiser(x: number, beta: number): number {
  return x < -1 || x > 1 ? 0 : bessel0(beta * Math.sqrt(1 - x * x));
}

/** Modified Bessel function of the first kind, order zero, by its series. */
function bessel0(x: number): number {
  let term = 1;
  let sum = 1;
  for (let k = 1; term > sum * 1e-12; k++) {
    term *= (x / (2 * k)) ** 2;
    sum += term;
  }
  return sum;
}
