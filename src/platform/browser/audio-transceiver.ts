// Makes a transceiver carry our audio: Opus alone, both ways, with capture times, its frames taken by the worker.
// Never touches a description.
import type { ReceiveHub, ReceiveListener } from "./receive-hub.ts";
import type { ExtensibleTransceiver } from "./web-types.ts";

/** https://webrtc.googlesource.com/src/+/refs/heads/main/docs/native-code/rtp-hdrext/abs-capture-time */
const CAPTURE_TIME_URI = "http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time";

/**
 * Prepare `transceiver` before any media can flow.
 * @returns a function that stops taking its frames
 */
export function prepareTransceiver(
  transceiver: RTCRtpTransceiver,
  hub: ReceiveHub,
  listener: ReceiveListener,
): () => void {
  transceiver.direction = "sendrecv";
  const codecs = RTCRtpReceiver.getCapabilities("audio")?.codecs ?? [];
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType.toLowerCase() === "audio/opus"));
  return hub.attach(transceiver.receiver, listener);
}

/**
 * Ask for abs-capture-time, before an offer. It is off by default; a peer that knows it answers by itself, and to an
 * offer without it the browser refuses any change of the extensions.
 */
export function askForCaptureTimes(transceiver: ExtensibleTransceiver): void {
  const extensions = transceiver.getHeaderExtensionsToNegotiate?.();
  if (extensions === undefined) return;
  for (const extension of extensions) {
    if (extension.uri === CAPTURE_TIME_URI) extension.direction = "sendrecv";
  }
  transceiver.setHeaderExtensionsToNegotiate?.(extensions);
}
