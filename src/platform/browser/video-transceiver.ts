// What a transceiver of video is asked for: codecs and header extensions. Never touches a description.
import { CAPTURE_TIME_URI } from "../capture-time-extension.ts";
import type { VideoCodecName } from "../video-codecs.ts";
import { DEPENDENCY_URI, readVideo, TRANSPORT_CC_URI } from "../video-description.ts";
import type { ExtensibleTransceiver } from "./web-types.ts";

/** Extensions that a section of video shall have. Mids cannot be left out (RFC 9143). */
const WANTED_EXTENSIONS = [
  CAPTURE_TIME_URI,
  TRANSPORT_CC_URI,
  DEPENDENCY_URI,
  "urn:ietf:params:rtp-hdrext:sdes:mid",
];

/** Of `codecs`, in their order, what this browser can both send and receive, in the form that we speak. */
export function browserCodecs(codecs: readonly VideoCodecName[]): VideoCodecName[] {
  const names = (class_: typeof RTCRtpSender | typeof RTCRtpReceiver): (VideoCodecName | undefined)[] =>
    (class_.getCapabilities("video")?.codecs ?? []).map(nameOf);
  const [sent, received] = [names(RTCRtpSender), names(RTCRtpReceiver)];
  return [...new Set(codecs)].filter((codec) => sent.includes(codec) && received.includes(codec));
}

/** Negotiate these codecs alone, in this order, each with retransmissions. */
export function preferCodecs(transceiver: RTCRtpTransceiver, codecs: readonly VideoCodecName[]): void {
  const known = RTCRtpReceiver.getCapabilities("video")?.codecs ?? [];
  const wanted = codecs.flatMap((codec) => known.filter((native) => nameOf(native) === codec).slice(0, 1));
  const repeating = known.filter(({ mimeType }) => mimeType.toLowerCase() === "video/rtx");
  transceiver.setCodecPreferences([...wanted, ...repeating]);
}

/**
 * Ask for capture times, transport-wide numbers and frame numbers, and for nothing that only costs bytes, before an offer. A peer that
 * knows them answers by itself. Without the one for rotation the browser turns pictures before it encodes them.
 */
export function askForExtensions(transceiver: ExtensibleTransceiver): void {
  const extensions = transceiver.getHeaderExtensionsToNegotiate?.();
  if (extensions === undefined) return;
  for (const extension of extensions) {
    extension.direction = WANTED_EXTENSIONS.includes(extension.uri) ? "sendrecv" : "stopped";
  }
  transceiver.setHeaderExtensionsToNegotiate?.(extensions);
}

/** What we call a codec of the browser's, read as its lines of a description would be. */
function nameOf({ mimeType, clockRate, sdpFmtpLine = "" }: RTCRtpCodec): VideoCodecName | undefined {
  const [, name = ""] = mimeType.split("/");
  const attributes = new Map([
    ["rtpmap", [`96 ${name}/${clockRate}`]],
    ["fmtp", [`96 ${sdpFmtpLine}`]],
  ]);
  return readVideo(["96"], attributes).codecs[0]?.codec;
}
