// Session descriptions of the simulation (RFC 8866, JSEP): enough of SDP to look real and to carry what matters.
// Pure.
import { TransportError } from "../errors/errors.ts";
import {
  captureTimeIdOf,
  captureTimeLine,
  OFFERED_CAPTURE_TIME_ID,
} from "../platform/capture-time-extension.ts";
import type { PeerLinkOptions } from "../platform/platform.ts";
import {
  offeredVideo,
  readVideoLines,
  sourceLines,
  videoFormats,
  videoLines,
} from "../platform/video-description.ts";
import type { DescribedVideo } from "../platform/video-description.ts";

/** What a description says. */
export interface SimulatedDescription extends DescribedMedia {
  role: "offer" | "answer";
  /** Names the connection: both sides pair up by it. */
  iceUfrag: string;
  data?: DataSection | "rejected";
  /** Candidates in the description itself, e.g. of peers that do not trickle. */
  candidates: string[];
}

/** Media. Unset: the medium is not mentioned. A rejected one has port 0. */
export interface DescribedMedia {
  audio?: AudioSection | "rejected";
  video?: VideoSection | "rejected";
}

/** What a description says of Opus. */
export interface AudioSection {
  /** Undefined when no Opus is on the list. */
  payloadType: number | undefined;
  /** Extension id of abs-capture-time, 1 to 14; 0 without it. */
  captureTimeId: number;
  ssrc: number;
  cname: string;
  channels: 1 | 2;
  fec: boolean;
  dtx: boolean;
}

/** What a description says of video. */
export interface VideoSection {
  described: DescribedVideo;
  /** Of whom it describes; not read, as a link has one stream each way. */
  sources?: { ssrc: number; rtxSsrc: number; cname: string };
}

/** What a description says of data channels. */
export interface DataSection {
  /** Bytes; 0 means no limit (RFC 8841 section 6.1). */
  maxMessageSize: number;
}

/** Without `a=max-message-size`, in bytes (RFC 8841 section 6.1). */
const DEFAULT_MAX_MESSAGE_SIZE = 65_536;

/** First of the ports that systems choose from (RFC 6335 section 6). */
const FIRST_DYNAMIC_PORT = 49_152;

/** Payload type of Opus in our offers; dynamic (RFC 3551 section 6), the one browsers use. */
const OPUS_PAYLOAD_TYPE = 111;

/** The media that a link with these options offers. */
export function offeredMedia({ audio, video }: PeerLinkOptions): DescribedMedia {
  const opus = { payloadType: OPUS_PAYLOAD_TYPE, captureTimeId: OFFERED_CAPTURE_TIME_ID };
  return {
    ...(audio !== undefined && { audio: { ...audio, ...opus } }),
    ...(video !== undefined && { video: { sources: video, described: offeredVideo(video.codecs) } }),
  };
}

/** What a link with these options offers. */
export function makeOffer(
  options: PeerLinkOptions,
  iceUfrag: string,
  maxMessageSize: number,
): SimulatedDescription {
  return {
    role: "offer",
    iceUfrag,
    ...offeredMedia(options),
    ...(options.channels.length > 0 && { data: { maxMessageSize } }),
    candidates: [],
  };
}

/** What such a link answers; what it has no use for is rejected. @param media as agreed */
export function makeAnswer(
  offer: SimulatedDescription,
  media: DescribedMedia,
  { channels }: PeerLinkOptions,
  iceUfrag: string,
  maxMessageSize: number,
): SimulatedDescription {
  const hasData = channels.length > 0 && offer.data !== "rejected";
  return {
    role: "answer",
    iceUfrag,
    ...media,
    ...(offer.data !== undefined && { data: hasData ? { maxMessageSize } : "rejected" }),
    candidates: [],
  };
}

/** The extension id of abs-capture-time that a description gives, 0 when it gives none. */
export function captureTimeIdIn(description: SimulatedDescription | undefined): number {
  const audio = description?.audio;
  return audio === undefined || audio === "rejected" ? 0 : audio.captureTimeId;
}

/** SDP text. @param fingerprint 32 bytes that stand for the DTLS certificate */
export function writeDescription(description: SimulatedDescription, fingerprint: Uint8Array): string {
  const { role, iceUfrag, audio, video, data, candidates } = description;
  const hex = Array.from(fingerprint, (byte) => byte.toString(16).padStart(2, "0").toUpperCase());
  const common = [
    "c=IN IP4 0.0.0.0",
    `a=ice-ufrag:${iceUfrag}`,
    `a=ice-pwd:${hex.join("").slice(0, 24)}`,
    "a=ice-options:trickle",
    `a=fingerprint:sha-256 ${hex.join(":")}`,
    `a=setup:${role === "offer" ? "actpass" : "active"}`,
    ...candidates.map((candidate) => `a=${candidate}`),
  ];
  const sections: string[][] = [];
  if (audio !== undefined) sections.push(audioLines(audio, common, sections.length));
  if (video !== undefined) sections.push(videoSectionLines(video, common, sections.length));
  if (data !== undefined) sections.push(dataLines(data, common, sections.length));
  const session = ["v=0", "o=- 4611731400430051336 2 IN IP4 127.0.0.1", "s=-", "t=0 0"];
  const bundle = `a=group:BUNDLE ${sections.map((_, mid) => mid).join(" ")}`;
  return [...session, bundle, ...sections.flat(), ""].join("\r\n");
}

/** Read SDP text. @returns undefined when it is none, or has no ICE credentials */
export function readDescription(sdp: string): SimulatedDescription | undefined {
  if (!sdp.startsWith("v=0")) return undefined;
  const lines = sdp.split(/\r?\n/);
  const iceUfrag = valueOf(lines, "a=ice-ufrag:");
  if (iceUfrag === undefined) return undefined;
  const audio = section(lines, "audio");
  const video = section(lines, "video");
  const data = section(lines, "application");
  return {
    role: valueOf(lines, "a=setup:") === "actpass" ? "offer" : "answer",
    iceUfrag,
    ...(audio !== undefined && { audio: isRejected(audio) ? "rejected" : readAudio(audio) }),
    ...(video !== undefined && {
      video: isRejected(video) ? "rejected" : { described: readVideoLines(video) },
    }),
    ...(data !== undefined && { data: isRejected(data) ? "rejected" : readData(data) }),
    candidates: lines.filter((line) => line.startsWith("a=candidate:")).map((line) => line.slice(2)),
  };
}

/** How many sections of audio and video a description has that are not rejected. */
export function countMedia(sdp: string): number {
  return (sdp.match(/^m=(?:audio|video) [1-9]/gm) ?? []).length;
}

/** The host candidate of a link, or its relay candidate under that policy; undefined when it has none. */
export function hostCandidate(iceUfrag: string, options: PeerLinkOptions): string | undefined {
  const port = FIRST_DYNAMIC_PORT + (parseInt(iceUfrag.slice(0, 6), 16) % (65_536 - FIRST_DYNAMIC_PORT));
  const address = options.bindAddress ?? "127.0.0.1";
  if (options.iceTransportPolicy === "all") {
    return `candidate:1 1 UDP 2122317823 ${address} ${port} typ host ufrag ${iceUfrag}`;
  }
  const hasRelay = options.iceServers.some(({ urls }) => urls.some((url) => /^turns?:/.test(url)));
  if (!hasRelay) return undefined;
  return `candidate:2 1 UDP 8331263 ${address} ${port} typ relay raddr 0.0.0.0 rport 0 ufrag ${iceUfrag}`;
}

/** Whether a text is a candidate (RFC 8839 section 5.1). */
export function isCandidate(text: string): boolean {
  return /^candidate:\S+ \d+ udp \d+ \S+ \d+ typ \w+/i.test(text);
}

/** The connection a candidate says it belongs to. */
export function ufragOf(candidate: string): string | undefined {
  return / ufrag (\S+)/.exec(candidate)?.[1];
}

function audioLines(audio: AudioSection | "rejected", common: string[], mid: number): string[] {
  if (audio === "rejected")
    return ["m=audio 0 UDP/TLS/RTP/SAVPF 0", "c=IN IP4 0.0.0.0", `a=mid:${mid}`, "a=inactive"];
  const { payloadType = 0, captureTimeId, ssrc, cname, channels, fec, dtx } = audio;
  const parameters = ["minptime=10", ...(fec ? ["useinbandfec=1"] : []), ...(dtx ? ["usedtx=1"] : [])];
  if (channels === 2) parameters.push("stereo=1");
  return [
    `m=audio 9 UDP/TLS/RTP/SAVPF ${payloadType}`,
    ...common,
    `a=mid:${mid}`,
    ...(captureTimeId === 0 ? [] : [captureTimeLine(captureTimeId)]),
    "a=sendrecv",
    "a=rtcp-mux",
    `a=rtpmap:${payloadType} opus/48000/2`,
    `a=fmtp:${payloadType} ${parameters.join(";")}`,
    `a=ssrc:${ssrc} cname:${cname}`,
  ];
}

function videoSectionLines(video: VideoSection | "rejected", common: string[], mid: number): string[] {
  if (video === "rejected")
    return ["m=video 0 UDP/TLS/RTP/SAVPF 0", "c=IN IP4 0.0.0.0", `a=mid:${mid}`, "a=inactive"];
  const { described, sources } = video;
  return [
    `m=video 9 UDP/TLS/RTP/SAVPF ${videoFormats(described).join(" ")}`,
    ...common,
    `a=mid:${mid}`,
    "a=sendrecv",
    "a=rtcp-mux",
    "a=rtcp-rsize",
    ...videoLines(described),
    ...(sources === undefined ? [] : sourceLines(described, sources)),
  ];
}

function dataLines(data: DataSection | "rejected", common: string[], mid: number): string[] {
  if (data === "rejected")
    return ["m=application 0 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", `a=mid:${mid}`];
  return [
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    ...common,
    `a=mid:${mid}`,
    "a=sctp-port:5000",
    `a=max-message-size:${data.maxMessageSize}`,
  ];
}

function readAudio(lines: string[]): AudioSection {
  const opus = lines
    .map((line) => /^a=rtpmap:(\d+) opus\/48000\/2$/i.exec(line))
    .find((match) => match !== null);
  const source = lines.map((line) => /^a=ssrc:(\d+) cname:(.*)$/.exec(line)).find((match) => match !== null);
  const extmaps = lines.filter((line) => line.startsWith("a=extmap:")).map((line) => line.slice(9));
  const parameters = valueOf(lines, `a=fmtp:${opus?.[1]} `)?.split(/; */) ?? [];
  return {
    payloadType: opus === undefined ? undefined : Number(opus[1]),
    captureTimeId: captureTimeIdOf(extmaps),
    ssrc: Number(source?.[1] ?? 0),
    cname: source?.[2] ?? "",
    channels: parameters.includes("stereo=1") ? 2 : 1,
    fec: parameters.includes("useinbandfec=1"),
    dtx: parameters.includes("usedtx=1"),
  };
}

function readData(lines: string[]): DataSection {
  return { maxMessageSize: Number(valueOf(lines, "a=max-message-size:") ?? DEFAULT_MAX_MESSAGE_SIZE) };
}

function section(lines: string[], medium: string): string[] | undefined {
  const start = lines.findIndex((line) => line.startsWith(`m=${medium} `));
  if (start < 0) return undefined;
  const length = lines.slice(start + 1).findIndex((line) => line.startsWith("m="));
  return lines.slice(start, length < 0 ? undefined : start + 1 + length);
}

function isRejected(lines: string[]): boolean {
  return lines[0]?.split(" ")[1] === "0";
}

function valueOf(lines: string[], prefix: string): string | undefined {
  return lines.find((line) => line.startsWith(prefix))?.slice(prefix.length);
}

/** What a description, or its moment, is refused with. */
export function sdpError(message: string): TransportError {
  return new TransportError("SDP_ERROR", message);
}
