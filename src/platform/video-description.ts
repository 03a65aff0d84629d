// What session descriptions say of video (RFC 8866): which codecs a section lists, with which feedback, retransmissions
// and header extensions; which of them two sides agree on; and the lines that say so. Pure; shared by all platforms.
import { TransportError } from "../errors/errors.ts";
import { CAPTURE_TIME_URI, extensionIdOf, OFFERED_CAPTURE_TIME_ID } from "./capture-time-extension.ts";
import type { PeerLinkOptions } from "./platform.ts";
import type { VideoCodecName } from "./video-codecs.ts";
import type { VideoAgreement, VideoLinkOptions } from "./video-link.ts";

/** draft-holmer-rmcat-transport-wide-cc-extensions-01 */
export const TRANSPORT_CC_URI = "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

/** How the extension is called in session descriptions. */
export const DEPENDENCY_URI =
  "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension";

/** The ids in our own offers. */
const OFFERED_TRANSPORT_CC_ID = 4;
const OFFERED_DEPENDENCY_ID = 5;

/** The ids of header extensions, 0 for each that a section lacks. */
type VideoExtensions = Pick<VideoAgreement, "captureTimeId" | "transportCcId" | "dependencyId">;

/** One codec of a section, with its number and all that belongs to it. */
export type DescribedCodec = Omit<VideoAgreement, keyof VideoExtensions>;

/** What a section says that we understand. */
export interface DescribedVideo extends VideoExtensions {
  /** In its order. */
  readonly codecs: readonly DescribedCodec[];
}

/** What a section says that is none of ours. */
export const NO_VIDEO: DescribedVideo = { codecs: [], captureTimeId: 0, transportCcId: 0, dependencyId: 0 };

/** Payload types in our own offers; dynamic (RFC 3551 section 6), the numbers browsers use. */
const OFFERED_PAYLOAD_TYPES: Readonly<Record<VideoCodecName, readonly [number, number]>> = {
  VP9: [98, 99],
  H264: [102, 103],
  VP8: [96, 97],
};

/** Parameters of each codec: the one form of it that every endpoint codes in real time. */
const PARAMETERS: Readonly<Record<VideoCodecName, string>> = {
  VP9: "profile-id=0",
  H264: "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
  VP8: "",
};

const MAX_SSRC = 0xffff_ffff;
const RTP_MAP_PATTERN = /^(\d{1,3}) ([A-Za-z0-9]{1,8})\/90000$/;
const ATTRIBUTE_PATTERN = /^a=([a-z-]+):(.*)$/;
const FORMAT_PATTERN = /^(\d{1,3}) (.*)$/;

/**
 * Refuse options of a link with video that no description could follow.
 * @throws TransportError `INVALID_DATA`
 */
export function checkVideoLink({ video, audio, channels }: PeerLinkOptions): void {
  if (video === undefined) return;
  const refuse = (what: string): never => {
    throw new TransportError("INVALID_DATA", what);
  };
  if (audio !== undefined || channels.length > 0) refuse("video: a link with video carries nothing else");
  if (video.codecs.length === 0) refuse("video.codecs must name at least one codec");
  for (const ssrc of [video.ssrc, video.rtxSsrc]) {
    if (!Number.isInteger(ssrc) || ssrc < 1 || ssrc > MAX_SSRC)
      refuse("video.ssrc and video.rtxSsrc must be integers from 1 to 2^32 - 1");
  }
  if (video.ssrc === video.rtxSsrc) refuse("video.ssrc and video.rtxSsrc must differ");
  if (!/^[\x21-\x7e]{1,255}$/.test(video.cname))
    refuse("video.cname must be 1 to 255 printable characters without blanks");
}

/** What our own offers say. @param codecs in order of preference */
export function offeredVideo(codecs: readonly VideoCodecName[]): DescribedVideo {
  return {
    codecs: [...new Set(codecs)].map((codec) => {
      const [payloadType, rtxPayloadType] = OFFERED_PAYLOAD_TYPES[codec];
      const feedback = { nack: true, pli: true, fir: true, remb: true, transportCc: true };
      return { codec, payloadType, rtxPayloadType, ...feedback };
    }),
    captureTimeId: OFFERED_CAPTURE_TIME_ID,
    transportCcId: OFFERED_TRANSPORT_CC_ID,
    dependencyId: OFFERED_DEPENDENCY_ID,
  };
}

/**
 * Read a video section.
 *
 * @param formats of its m= line
 * @param attributes values of its `a=` lines by name
 */
export function readVideo(
  formats: readonly string[],
  attributes: ReadonlyMap<string, readonly string[]>,
): DescribedVideo {
  const maps = new Map<string, string>();
  for (const value of attributes.get("rtpmap") ?? []) {
    const [, format = "", name = ""] = RTP_MAP_PATTERN.exec(value) ?? [];
    if (isPayloadType(format)) maps.set(format, name.toUpperCase());
  }
  const parameters = new Map<string, ReadonlyMap<string, string>>();
  for (const value of attributes.get("fmtp") ?? []) {
    const [, format = "", text = ""] = FORMAT_PATTERN.exec(value) ?? [];
    parameters.set(format, parametersOf(text));
  }
  const rtx = new Map<string, string>();
  for (const [format, name] of maps) {
    const original = parameters.get(format)?.get("apt");
    if (name === "RTX" && original !== undefined && formats.includes(format)) rtx.set(original, format);
  }
  const feedback = attributes.get("rtcp-fb") ?? [];
  const extmaps = attributes.get("extmap") ?? [];
  const transportCcId = extensionIdOf(extmaps, TRANSPORT_CC_URI);
  return {
    codecs: formats.flatMap((format) => {
      const codec = codecOf(maps.get(format), parameters.get(format) ?? new Map());
      if (codec === undefined) return [];
      const has = (kind: string): boolean =>
        feedback.includes(`${format} ${kind}`) || feedback.includes(`* ${kind}`);
      return [
        {
          codec,
          payloadType: Number(format),
          rtxPayloadType: Number(rtx.get(format) ?? 0),
          nack: has("nack"),
          pli: has("nack pli"),
          fir: has("ccm fir"),
          remb: has("goog-remb"),
          transportCc: has("transport-cc") && transportCcId > 0,
        },
      ];
    }),
    captureTimeId: extensionIdOf(extmaps, CAPTURE_TIME_URI),
    transportCcId,
    dependencyId: extensionIdOf(extmaps, DEPENDENCY_URI),
  };
}

/** Read the lines of a video section, its m= line first. */
export function readVideoLines(lines: readonly string[]): DescribedVideo {
  const attributes = new Map<string, string[]>();
  for (const line of lines) {
    const [, name = "", value = ""] = ATTRIBUTE_PATTERN.exec(line) ?? [];
    const values = attributes.get(name);
    if (values === undefined) attributes.set(name, [value]);
    else values.push(value);
  }
  return readVideo(lines[0]?.split(" ").slice(3) ?? [], attributes);
}

/**
 * What to answer: the first codec of the offer that we have too, and no other, so that nothing can change later.
 * @returns undefined when there is none
 */
export function answeredVideo(
  offered: DescribedVideo,
  codecs: readonly VideoCodecName[],
): VideoAgreement | undefined {
  return combined(
    offered.codecs.find(({ codec }) => codecs.includes(codec)),
    offered,
  );
}

/**
 * What an answer to our offer has chosen: its first codec that was offered, under its own numbers. Extensions hold under
 * the offer's ids alone (RFC 8285 section 6).
 * @returns undefined when there is none
 */
export function acceptedVideo(answered: DescribedVideo, offered: DescribedVideo): VideoAgreement | undefined {
  const chosen = answered.codecs.find(({ codec }) => offered.codecs.some((own) => own.codec === codec));
  const ids = {
    captureTimeId: answered.captureTimeId === offered.captureTimeId ? answered.captureTimeId : 0,
    transportCcId: answered.transportCcId === offered.transportCcId ? answered.transportCcId : 0,
    dependencyId: answered.dependencyId === offered.dependencyId ? answered.dependencyId : 0,
  };
  return combined(chosen, ids);
}

/** Formats of the m= line that describes `video`. */
export function videoFormats(video: DescribedVideo): number[] {
  return video.codecs.flatMap(({ payloadType, rtxPayloadType }) =>
    rtxPayloadType === 0 ? [payloadType] : [payloadType, rtxPayloadType],
  );
}

/** Attribute lines that describe `video`, without line ends. */
export function videoLines(video: DescribedVideo): string[] {
  const extension = (id: number, uri: string): string[] => (id === 0 ? [] : [`a=extmap:${id} ${uri}`]);
  return [
    ...extension(video.captureTimeId, CAPTURE_TIME_URI),
    ...extension(video.transportCcId, TRANSPORT_CC_URI),
    ...extension(video.dependencyId, DEPENDENCY_URI),
    ...video.codecs.flatMap(codecLines),
  ];
}

/** Lines that declare our streams and that the second repeats the first (RFC 5576 sections 4.1 and 4.2). */
export function sourceLines(
  video: DescribedVideo,
  { ssrc, rtxSsrc, cname }: Pick<VideoLinkOptions, "ssrc" | "rtxSsrc" | "cname">,
): string[] {
  const repeats = video.codecs.some(({ rtxPayloadType }) => rtxPayloadType > 0);
  const own = `a=ssrc:${ssrc} cname:${cname}`;
  return repeats ? [`a=ssrc-group:FID ${ssrc} ${rtxSsrc}`, own, `a=ssrc:${rtxSsrc} cname:${cname}`] : [own];
}

/** A description that says no more than an agreement. */
export function describedAgreement(agreement: VideoAgreement): DescribedVideo {
  const { captureTimeId, transportCcId, dependencyId, ...codec } = agreement;
  return { codecs: [codec], captureTimeId, transportCcId, dependencyId };
}

/** Numbers without their feedback are of no use, and the other way round. */
function combined(
  codec: DescribedCodec | undefined,
  { captureTimeId, transportCcId, dependencyId }: VideoExtensions,
): VideoAgreement | undefined {
  if (codec === undefined) return undefined;
  const transportCc = codec.transportCc && transportCcId > 0;
  return {
    ...codec,
    captureTimeId,
    transportCcId: transportCc ? transportCcId : 0,
    dependencyId,
    transportCc,
  };
}

function codecLines(described: DescribedCodec): string[] {
  const { codec, payloadType, rtxPayloadType, nack, pli, fir, remb, transportCc } = described;
  const feedback = [
    ...(nack ? ["nack"] : []),
    ...(pli ? ["nack pli"] : []),
    ...(fir ? ["ccm fir"] : []),
    ...(remb ? ["goog-remb"] : []),
    ...(transportCc ? ["transport-cc"] : []),
  ];
  const parameters = PARAMETERS[codec];
  return [
    `a=rtpmap:${payloadType} ${codec}/90000`,
    ...feedback.map((kind) => `a=rtcp-fb:${payloadType} ${kind}`),
    ...(parameters === "" ? [] : [`a=fmtp:${payloadType} ${parameters}`]),
    ...(rtxPayloadType === 0
      ? []
      : [`a=rtpmap:${rtxPayloadType} rtx/90000`, `a=fmtp:${rtxPayloadType} apt=${payloadType}`]),
  ];
}

/** The codec, if it is in the form that we speak. */
function codecOf(
  name: string | undefined,
  parameters: ReadonlyMap<string, string>,
): VideoCodecName | undefined {
  if (name === "VP8") return "VP8";
  if (name === "VP9" && (parameters.get("profile-id") ?? "0") === "0") return "VP9";
  if (name !== "H264" || parameters.get("packetization-mode") !== "1") return undefined;
  // Constrained baseline (RFC 6184 section 8.1): profile 66 with constraint_set1, of any level.
  const profile = parseInt(parameters.get("profile-level-id")?.slice(0, 4) ?? "", 16);
  return profile >> 8 === 0x42 && (profile & 0x40) !== 0 ? "H264" : undefined;
}

/** 64-95 would be taken for RTCP on a shared port (RFC 5761 section 4). */
function isPayloadType(format: string): boolean {
  const payloadType = Number(format);
  return format !== "" && (payloadType < 64 || payloadType > 95) && payloadType < 128;
}

function parametersOf(text: string): Map<string, string> {
  return new Map(
    text.split(";").map((part): [string, string] => {
      const [name = "", value = ""] = part.trim().split("=");
      return [name.toLowerCase(), value.toLowerCase()];
    }),
  );
}
