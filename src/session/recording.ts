// Recordings of sessions, read and played: the door of the format. Bytes are read as they come, never all at once.
import { TransportError } from "../errors/errors.ts";
import { abortError } from "../runtime/call.ts";
import type { TransportData } from "../runtime/data.ts";
import type { Clock, LocalMs } from "../runtime/time.ts";
import { RecordingParser } from "./recording-format.ts";
import type { RecordedInput, RecordingHeader } from "./recording-format.ts";

/** A recording that is read; its inputs once. */
export interface Recording extends AsyncIterable<RecordedInput> {
  /**
   * What stands at its beginning.
   * @throws TransportError `INVALID_DATA` for what is no recording
   */
  header(): Promise<RecordingHeader>;
}

/** What a recording is played to: a session, or what takes inputs as one does. */
export interface ReplayTarget {
  sendInput(input: TransportData): Promise<void>;
}

/** How a recording is played. */
export interface ReplayOptions {
  clock: Clock;
  /** How many times as fast as it was; Infinity: as fast as the session takes it. Default 1. */
  speed?: number | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Read what `StreamSession.record` has written, in pieces of any length. Iterating yields every input up to the end, or
 * up to a fault: then it throws `INVALID_DATA`, with `details.offset` in bytes. A recording that breaks off has one.
 */
export function readRecording(chunks: AsyncIterable<Uint8Array> | Uint8Array): Recording {
  const parser = new RecordingParser();
  const source = (chunks instanceof Uint8Array ? once(chunks) : chunks)[Symbol.asyncIterator]();
  /** @returns false when no more bytes come */
  const fill = async (): Promise<boolean> => {
    const chunk = await source.next();
    if (chunk.done === true) return false;
    parser.push(chunk.value);
    return true;
  };
  let first: RecordedInput | undefined;
  const inputs = async function* (): AsyncGenerator<RecordedInput, void> {
    try {
      for (;;) {
        const input = first ?? parser.next();
        first = undefined;
        if (input !== undefined) yield input;
        else if (!(await fill())) return parser.finish();
      }
    } finally {
      await source.return?.();
    }
  };
  return {
    async header() {
      while (parser.header === undefined) {
        first = parser.next();
        if (parser.header === undefined && !(await fill())) parser.finish();
      }
      return parser.header;
    },
    [Symbol.asyncIterator]: inputs,
  };
}

/**
 * Hand the inputs of a recording to a session in their order, each no earlier after the beginning than it came then.
 * Nothing is dropped: each waits until there is room. `source_peer` and sequence numbers are as recorded.
 *
 * @returns how many inputs there were
 * @throws TransportError `INVALID_DATA` where the recording is faulty, for a `speed` that is not above 0, or an input
 *   that this session does not take; `SESSION_CLOSED`; `ABORTED`
 */
export async function replaySession(
  session: ReplayTarget,
  recording: AsyncIterable<RecordedInput>,
  { clock, speed = 1, signal }: ReplayOptions,
): Promise<number> {
  if (!(speed > 0)) {
    throw new TransportError("INVALID_DATA", `speed must be a number above 0, not ${String(speed)}`);
  }
  const startMs = clock.now();
  let count = 0;
  for await (const { input, peerId, atMs } of recording) {
    await waitUntil(startMs + atMs / speed, clock, signal);
    const { metadata } = input;
    const source = peerId === undefined ? metadata : { ...metadata, source_peer: peerId };
    await session.sendInput({ ...input, metadata: source });
    count++;
  }
  return count;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield bytes;
}

async function waitUntil(atMs: LocalMs, clock: Clock, signal: AbortSignal | undefined): Promise<void> {
  if (signal?.aborted === true) throw abortError(signal, "replaySession()");
  if (atMs <= clock.now()) return;
  await new Promise<void>((resolve, reject) => {
    const abort = (): void => {
      cancel();
      reject(abortError(signal as AbortSignal, "replaySession()"));
    };
    const cancel = clock.setTimer(atMs, () => {
      signal?.removeEventListener("abort", abort);
      resolve();
    });
    signal?.addEventListener("abort", abort, { once: true });
  });
}
