// The worker behind every RTCRtpScriptTransform of a page: it swallows encoded audio frames, which come in network
// order and before the browser's own jitter buffer, and hands them to the page. Bundled into generated/.
import { frameMessage } from "./receive-messages.ts";
import type { ReceiveMessage, ReceiveOptions } from "./receive-messages.ts";
import type { ScriptTransformer, TransformWorkerScope } from "./web-types.ts";

const scope = globalThis as unknown as TransformWorkerScope;

scope.onrtctransform = ({ transformer }): void => {
  const options = transformer.options as ReceiveOptions;
  receive(transformer, options).catch((error: unknown) => fault(options, String(error)));
};

async function receive(transformer: ScriptTransformer, options: ReceiveOptions): Promise<void> {
  const reader = transformer.readable.getReader();
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

function fault(options: ReceiveOptions, message: string): void {
  post({ type: "fault", link: options.link, message }, []);
}

function post(message: ReceiveMessage, transfer: ArrayBuffer[]): void {
  scope.postMessage(message, transfer);
}
