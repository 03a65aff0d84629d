// Options and deadlines of asynchronous calls: every public async method ends by result, error, timeout or abort.
import { TransportError } from "../errors/errors.ts";
import type { Clock } from "./time.ts";

/** Trailing argument of every asynchronous method. */
export interface CallOptions {
  /** Ends the call with `ABORTED`; the signal's reason becomes the error's cause. */
  signal?: AbortSignal | undefined;
  /** Overrides the method's own timeout, in ms; `OPERATION_TIMEOUT` when it passes. */
  timeoutMs?: number | undefined;
}

/** The `ABORTED` error for a signal that has fired. */
export function abortError(signal: AbortSignal, what: string): TransportError {
  return new TransportError("ABORTED", `${what} was aborted by the caller`, { cause: signal.reason });
}

/**
 * Settle as `work` does, unless the signal fires (`ABORTED`) or `timeoutMs` passes first. The work itself goes
 * on: whoever starts it must be able to live without its caller, or pass `onCancel`.
 *
 * @param what names the operation in error messages, e.g. `connectPeer("bob")`
 * @param onCancel called once when the caller is gone before the work has ended
 * @param timeoutError made when time is up; `OPERATION_TIMEOUT` by default
 */
export function limited<T>(
  work: Promise<T>,
  clock: Clock,
  what: string,
  options: CallOptions & { timeoutMs: number },
  onCancel?: () => void,
  timeoutError?: () => TransportError,
): Promise<T> {
  const { signal, timeoutMs } = options;
  if (signal?.aborted === true) {
    work.catch(() => undefined);
    onCancel?.();
    return Promise.reject(abortError(signal, what));
  }
  return new Promise<T>((resolve, reject) => {
    const settle = (finish: () => void): void => {
      cancelTimer?.();
      signal?.removeEventListener("abort", abort);
      finish();
    };
    // Rejecting comes first: an onCancel that throws must not leave the caller waiting.
    const giveUp = (error: TransportError): void =>
      settle(() => {
        reject(error);
        onCancel?.();
      });
    const abort = (): void => giveUp(abortError(signal as AbortSignal, what));
    const cancelTimer =
      timeoutMs === Infinity
        ? undefined
        : clock.setTimer(clock.now() + timeoutMs, () =>
            giveUp(
              timeoutError?.() ??
                new TransportError("OPERATION_TIMEOUT", `${what} took longer than ${timeoutMs} ms`),
            ),
          );
    signal?.addEventListener("abort", abort, { once: true });
    // Resolving with a promise that has rejected rejects with the same reason.
    const finished = (): void => settle(() => resolve(work));
    work.then(finished, finished);
  });
}
