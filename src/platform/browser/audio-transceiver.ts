// Makes a transceiver carry our audio: Opus alone, both ways, with capture times, its frames taken by the worker.
// Never touches a description.
import { CAPTURE_TIME_URI } from "../capture-time-extension.ts";
import type { LinkTransforms } from "./receive-hub.ts";
import type { ExtensibleTransceiver } from "./web-types.ts";

/** Prepare `transceiver` before any media can flow. */
export function prepareTransceiver(transceiver: RTCRtpTransceiver, transforms: LinkTransforms): void {
  transceiver.direction = "sendrecv";
  const codecs = RTCRtpReceiver.getCapabilities("audio")?.codecs ?? [];
  transceiver.setCodecPreferences(codecs.filter(({ mimeType }) => mimeType.toLowerCase() === "audio/opus"));
  transforms.attach(transceiver);
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
