// Session descriptions (RFC 8866, RFC 8829) as far as one track, of Opus or of video, and one SCTP association need them:
// read into validated values, and written anew from those. Pure; what was not understood is never passed on.
import { TransportError } from "../../errors/errors.ts";
import { captureTimeIdOf } from "../capture-time-extension.ts";
import { NO_VIDEO, readVideo, videoFormats, videoLines } from "../video-description.ts";
import type { DescribedVideo } from "../video-description.ts";

/** Longest description read, in characters; the signaling protocol allows as much. */
const MAX_SDP_LENGTH = 64 * 1024;

/** Sections read; a browser in a room of ten offers a few dozen at most. */
const MAX_SECTIONS = 64;

/** Port of a section that is accepted while its address is still unknown (RFC 8840 section 4.1.1). */
const PLACEHOLDER_PORT = 9;

const LINE_PATTERN = /^([a-z])=([^\p{Cc}]*)$/u;
const MEDIA_PATTERN =
  /^([a-z]{1,16}) (\d{1,5})(?:\/\d{1,5})? ([A-Za-z0-9/]{1,32})((?: [A-Za-z0-9_-]{1,32}){1,128})$/;
/** `token` of RFC 8866 section 9, at the length JSEP recommends at most for a mid. */
const MID_PATTERN = /^[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,32}$/;
const OPUS_PATTERN = /^(\d{1,3}) opus\/48000\/2$/i;
const RTP_MAP_PATTERN = /^\d{1,3} [A-Za-z0-9._-]{1,32}\/\d{1,6}(?:\/\d)?$/;
const UFRAG_PATTERN = /^[A-Za-z0-9+/=_-]{4,256}$/;
const PASSWORD_PATTERN = /^[A-Za-z0-9+/=_-]{22,256}$/;
const FINGERPRINT_PATTERN = /^(sha-(?:1|224|256|384|512)) ((?:[0-9A-F]{2}:){19,63}[0-9A-F]{2})$/i;

/** How media flows, seen from whoever wrote the description. */
export type Direction = "sendrecv" | "sendonly" | "recvonly" | "inactive";

/** Who opens the DTLS handshake (RFC 5763 section 5). */
export type SetupRole = "actpass" | "active" | "passive";

/** One m-section. */
export interface MediaSection {
  kind: string;
  protocol: string;
  formats: string[];
  /** Port 0 without `bundle-only`: refused, or ended. */
  rejected: boolean;
  /** Its `a=mid`, or its index where it has none. */
  mid: string;
  direction: Direction;
  /** Payload type of Opus, undefined where it is not offered. */
  opusPayloadType: number | undefined;
  /** Extension id of abs-capture-time, 1 to 14; 0 where it is not mapped for both directions. */
  captureTimeId: number;
  /** What a section of video says; without codecs for others. */
  video: DescribedVideo;
  /** For an SCTP section (RFC 8841); undefined where the lines are missing. */
  sctpPort: number | undefined;
  maxMessageSize: number | undefined;
  /** Values of all attributes by name, in order. */
  attributes: ReadonlyMap<string, readonly string[]>;
}

/** A description that follows the grammar. */
export interface SessionDescription {
  attributes: ReadonlyMap<string, readonly string[]>;
  media: MediaSection[];
}

/** ICE and DTLS of one bundled transport. */
export interface TransportDescription {
  usernameFragment: string;
  password: string;
  fingerprint: string;
  setup: SetupRole;
  iceLite: boolean;
  /** Candidate lines, without `a=` and not yet checked. */
  candidates: readonly string[];
}

/** @throws TransportError `SDP_ERROR` that names the first fault */
export function parseSessionDescription(sdp: string): SessionDescription {
  if (typeof sdp !== "string" || !sdp.startsWith("v=0")) throw sdpError("it does not begin with v=0");
  if (sdp.length > MAX_SDP_LENGTH) throw sdpError("it is longer than 64 KiB");
  const blocks: { media: string; attributes: Map<string, string[]> }[] = [
    { media: "", attributes: new Map() },
  ];
  for (const line of sdp.split(/\r?\n/)) {
    if (line === "") continue;
    const match = LINE_PATTERN.exec(line);
    if (match === null) throw sdpError(`"${line.slice(0, 40)}" is not a line of SDP`);
    const [, type, value = ""] = match;
    if (type === "m") blocks.push({ media: value, attributes: new Map() });
    else if (type === "a") addAttribute(blocks[blocks.length - 1]?.attributes, value);
  }
  const [session, ...sections] = blocks;
  if (sections.length === 0) throw sdpError("it has no m= section");
  if (sections.length > MAX_SECTIONS) throw sdpError(`it has more than ${MAX_SECTIONS} m= sections`);
  const media = sections.map((section, index) => mediaSection(section.media, section.attributes, index));
  if (new Set(media.map((section) => section.mid)).size !== media.length)
    throw sdpError("a mid occurs twice");
  return { attributes: session?.attributes ?? new Map(), media };
}

/** Whether two sections share a transport: they stand in one BUNDLE group (RFC 9143 section 7). */
export function bundled(description: SessionDescription, a: MediaSection, b: MediaSection): boolean {
  const groups = (description.attributes.get("group") ?? []).map((group) => group.split(" "));
  return groups.some((group) => group[0] === "BUNDLE" && group.includes(a.mid) && group.includes(b.mid));
}

/**
 * Transport of `section`: its own attributes, the session's, or, for a `bundle-only` section, those of the first
 * section that has some.
 * @throws TransportError `SDP_ERROR` when credentials or fingerprint are missing or malformed
 */
export function transportOf(description: SessionDescription, section: MediaSection): TransportDescription {
  const lookUp = (name: string): readonly string[] =>
    section.attributes.get(name) ??
    description.attributes.get(name) ??
    description.media.find((other) => other.attributes.has(name))?.attributes.get(name) ??
    [];
  const usernameFragment = lookUp("ice-ufrag")[0] ?? "";
  const password = lookUp("ice-pwd")[0] ?? "";
  if (!UFRAG_PATTERN.test(usernameFragment)) throw sdpError("a=ice-ufrag is missing or malformed");
  if (!PASSWORD_PATTERN.test(password)) throw sdpError("a=ice-pwd is missing or malformed");
  const fingerprints = lookUp("fingerprint").filter((value) => FINGERPRINT_PATTERN.test(value));
  // The native side compares one fingerprint only: the digest every WebRTC endpoint can make, where it is given.
  const fingerprint = fingerprints.find((value) => /^sha-256 /i.test(value)) ?? fingerprints[0];
  if (fingerprint === undefined) throw sdpError("a=fingerprint is missing or malformed");
  const setup = lookUp("setup")[0] ?? "actpass";
  if (setup !== "actpass" && setup !== "active" && setup !== "passive")
    throw sdpError("a=setup is malformed");
  const candidates = (section.attributes.get("candidate") ?? lookUp("candidate")).map(
    (line) => `candidate:${line}`,
  );
  const iceLite = description.attributes.has("ice-lite");
  return { usernameFragment, password, fingerprint, setup, iceLite, candidates };
}

/** Write a remote description for the native side, of these sections and values alone. */
export function writeSessionDescription(
  transport: TransportDescription,
  media: readonly MediaSection[],
): string {
  const mids = media.filter((section) => !section.rejected).map((section) => section.mid);
  return joinLines([
    "v=0",
    "o=- 1 1 IN IP4 127.0.0.1",
    "s=-",
    "t=0 0",
    `a=group:BUNDLE ${mids.join(" ")}`,
    ...(transport.iceLite ? ["a=ice-lite"] : []),
    "a=ice-options:trickle",
    `a=ice-ufrag:${transport.usernameFragment}`,
    `a=ice-pwd:${transport.password}`,
    `a=fingerprint:${transport.fingerprint}`,
    `a=setup:${transport.setup}`,
    ...media.flatMap(mediaLines),
  ]);
}

/**
 * Tidy a description that the native side wrote: candidates out, because they are trickled; and out with the
 * groups that only it understands.
 */
export function withoutCandidates(sdp: string): string[] {
  return sdp
    .split(/\r?\n/)
    .filter((line) => line !== "" && !/^a=(candidate:|end-of-candidates|group:LS)/.test(line))
    .map((line) => line.replace(/^(m=\w+) [1-9]\d* /, `$1 ${PLACEHOLDER_PORT} `))
    .map((line) => (line.startsWith("c=") ? "c=IN IP4 0.0.0.0" : line));
}

/** Put refusals of `refused` sections, by index in the offer, between the m-sections of an answer. */
export function insertRefusals(
  lines: readonly string[],
  refused: ReadonlyMap<number, MediaSection>,
): string[] {
  const result: string[] = [];
  let index = 0;
  const refuse = (): void => {
    for (let section = refused.get(index); section !== undefined; section = refused.get(++index)) {
      result.push(`m=${section.kind} 0 ${section.protocol} ${section.formats.join(" ")}`);
      result.push("c=IN IP4 0.0.0.0", "a=inactive");
      if (section.attributes.has("mid")) result.push(`a=mid:${section.mid}`);
      // Superfluous in a refusal (RFC 8829 section 5.3.1), yet some endpoints look for a codec even there.
      const maps = (section.attributes.get("rtpmap") ?? []).filter((map) => RTP_MAP_PATTERN.test(map));
      result.push(...maps.map((map) => `a=rtpmap:${map}`));
    }
  };
  for (const line of lines) {
    if (line.startsWith("m=")) {
      refuse();
      index++;
    }
    result.push(line);
  }
  refuse();
  return result;
}

/** Lines with the line ends of RFC 8866, the last one included. */
export function joinLines(lines: readonly string[]): string {
  return lines.map((line) => `${line}\r\n`).join("");
}

/** An error for a description that cannot be used. */
export function sdpError(reason: string): TransportError {
  return new TransportError("SDP_ERROR", `session description refused: ${reason}`);
}

function addAttribute(attributes: Map<string, string[]> | undefined, line: string): void {
  const colon = line.indexOf(":");
  const name = colon < 0 ? line : line.slice(0, colon);
  const value = colon < 0 ? "" : line.slice(colon + 1);
  const values = attributes?.get(name);
  if (values === undefined) attributes?.set(name, [value]);
  else values.push(value);
}

function mediaSection(
  media: string,
  attributes: ReadonlyMap<string, readonly string[]>,
  index: number,
): MediaSection {
  const match = MEDIA_PATTERN.exec(media);
  if (match === null) throw sdpError(`"m=${media.slice(0, 40)}" is malformed`);
  const [, kind = "", port, protocol = "", formatList = ""] = match;
  const mid = attributes.get("mid")?.[0] ?? String(index);
  if (!MID_PATTERN.test(mid)) throw sdpError("a=mid is malformed");
  const formats = formatList.trim().split(" ");
  return {
    kind,
    protocol,
    formats,
    rejected: Number(port) === 0 && !attributes.has("bundle-only"),
    mid,
    direction: directionOf(attributes),
    opusPayloadType: opusPayloadType(formats, attributes.get("rtpmap") ?? []),
    captureTimeId: captureTimeIdOf(attributes.get("extmap") ?? []),
    video: kind === "video" ? readVideo(formats, attributes) : NO_VIDEO,
    sctpPort: decimal(attributes.get("sctp-port")?.[0], 0xffff),
    maxMessageSize: decimal(attributes.get("max-message-size")?.[0], Number.MAX_SAFE_INTEGER),
    attributes,
  };
}

function directionOf(attributes: ReadonlyMap<string, readonly string[]>): Direction {
  const directions: readonly Direction[] = ["sendonly", "recvonly", "inactive"];
  return directions.find((direction) => attributes.has(direction)) ?? "sendrecv";
}

/** 64-95 would be taken for RTCP on a shared port (RFC 5761 section 4). */
function opusPayloadType(formats: readonly string[], rtpMaps: readonly string[]): number | undefined {
  return rtpMaps
    .map((map) => OPUS_PATTERN.exec(map)?.[1])
    .filter((format) => format !== undefined && formats.includes(format))
    .map(Number)
    .find((payloadType) => payloadType < 64 || (payloadType > 95 && payloadType < 128));
}

function decimal(text: string | undefined, max: number): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined;
  return Math.min(Number(text), max);
}

function mediaLines(section: MediaSection): string[] {
  const port = section.rejected ? 0 : PLACEHOLDER_PORT;
  const common = ["c=IN IP4 0.0.0.0", `a=mid:${section.mid}`];
  if (section.kind === "application") {
    return [
      `m=application ${port} UDP/DTLS/SCTP webrtc-datachannel`,
      ...common,
      `a=sctp-port:${section.sctpPort ?? 5000}`,
      ...(section.maxMessageSize === undefined ? [] : [`a=max-message-size:${section.maxMessageSize}`]),
    ];
  }
  const direction = `a=${section.rejected ? "inactive" : section.direction}`;
  if (section.kind === "video") {
    const maps = videoLines(section.video).filter((line) => line.startsWith("a=rtpmap:"));
    return [
      `m=video ${port} UDP/TLS/RTP/SAVPF ${section.rejected ? 0 : videoFormats(section.video).join(" ")}`,
      ...common,
      direction,
      "a=rtcp-mux",
      ...(section.rejected ? [] : maps),
    ];
  }
  const payloadType = section.opusPayloadType ?? 0;
  return [
    `m=audio ${port} UDP/TLS/RTP/SAVPF ${payloadType}`,
    ...common,
    direction,
    "a=rtcp-mux",
    ...(section.rejected ? [] : [`a=rtpmap:${payloadType} opus/48000/2`]),
  ];
}
