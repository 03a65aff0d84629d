// The wall between native callbacks and our code: an exception that leaves a native callback ends the process.

/**
 * Wrap a callback so that nothing it throws gets out.
 *
 * @param report told of what was thrown; may throw itself without harm
 */
export function guarded<Args extends unknown[]>(
  report: (error: unknown) => void,
  callback: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      callback(...args);
    } catch (error) {
      contained(() => report(error));
    }
  };
}

/** Run `action` and drop whatever it throws; for the native side, where closing twice and asking late throw. */
export function contained(action: () => void): void {
  try {
    action();
  } catch {
    // There is nobody left to tell: this is the last line before the native side.
  }
}

/** The value of `read`, or `fallback` when it throws: native getters throw once their object has gone. */
export function readOr<T>(fallback: T, read: () => T): T {
  try {
    return read();
  } catch {
    // The native object is gone, and with it the answer.
    return fallback;
  }
}
