// The worker behind every RTCRtpScriptTransform of a page. It swallows encoded audio frames that come, in network order
// and before the browser's own jitter buffer, and hands them to the page; of those that leave it tells their times. What
// it does with video stands in receive-video.ts. Bundled into generated/.
import { frameMessage, sentMessage } from "./receive-messages.ts";
import type { KeyframeRequest, ReceiveMessage, TransformOptions } from "./receive-messages.ts";
import { receivePictures, watchPictures } from "./receive-video.ts";
import type { EncodedFrameLike, ScriptTransformer, TransformWorkerScope } from "./web-types.ts";

/** Between two messages about what leaves, ms. */
const SENT_INTERVAL_MS = 200;

const scope = globalThis as unknown as TransformWorkerScope;

/** What receives the video of each link, while it does. */
const videoReceivers = new Map<number, ScriptTransformer>();

scope.onrtctransform = ({ transformer }): void => {
  const options = transformer.options as TransformOptions;
  workOn(transformer, options).catch((error: unknown) => fault(options, String(error)));
};
scope.onmessage = ({ data }): void => {
  const { link } = data as KeyframeRequest;
  // Refused while nothing has come: then there is nothing to repair either.
  videoReceivers
    .get(link)
    ?.sendKeyFrameRequest?.()
    .catch(() => undefined);
};
scope.postMessage({ type: "loaded" });

async function workOn(transformer: ScriptTransformer, options: TransformOptions): Promise<void> {
  const { link, side, video } = options;
  if (video === undefined) {
    return side === "send" ? watch(transformer, options) : receive(transformer.readable, options);
  }
  if (side === "send") return watchPictures(transformer, options, post);
  videoReceivers.set(link, transformer);
  try {
    await receivePictures(transformer, options, video, post);
  } finally {
    if (videoReceivers.get(link) === transformer) videoReceivers.delete(link);
  }
}

async function receive(readable: ReadableStream<EncodedFrameLike>, options: TransformOptions): Promise<void> {
  const reader = readable.getReader();
  let understood = true;
  for (;;) {
    const { value: frame, done } = await reader.read();
    const nowMs = performance.now();
    if (done) return;
    const message = frameMessage(frame, options, { nowMs, timeOrigin: performance.timeOrigin });
    if (message !== undefined) {
      post(message, [message.payload]);
    } else if (understood) {
      understood = false;
      fault(options, "the browser gives no sequence numbers of encoded audio frames");
    }
  }
}

/** Let every frame pass as it is. Whatever ends the sender's streams ends its audio by itself and needs no words. */
async function watch({ readable, writable }: ScriptTransformer, options: TransformOptions): Promise<void> {
  const clock = { nowMs: 0, timeOrigin: performance.timeOrigin };
  let dueMs = -Infinity;
  const marks = new TransformStream<EncodedFrameLike, EncodedFrameLike>({
    transform(frame, controller) {
      clock.nowMs = performance.now();
      const message = clock.nowMs < dueMs ? undefined : sentMessage(frame, options, clock);
      controller.enqueue(frame);
      if (message === undefined) return;
      dueMs = clock.nowMs + SENT_INTERVAL_MS;
      post(message, []);
    },
  });
  await readable
    .pipeThrough(marks)
    .pipeTo(writable)
    .catch(() => undefined);
}

function fault(options: TransformOptions, message: string): void {
  post({ type: "fault", link: options.link, message }, []);
}

function post(message: ReceiveMessage, transfer: ArrayBuffer[]): void {
  scope.postMessage(message, transfer);
}
