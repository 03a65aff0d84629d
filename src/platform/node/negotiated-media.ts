// What comes out of an offer and an answer: which sections are used, which are refused, and the Opus parameters.
// Pure. At most one section of media is ever accepted, because the native side must never hold two tracks: with two,
// a malformed RTCP SDES packet of an authenticated peer stops its receive thread for good.
import { TransportError } from "../../errors/errors.ts";
import type { VideoCodecName } from "../video-codecs.ts";
import { describedAgreement } from "../video-description.ts";
import { acceptVideo, chooseVideo } from "./negotiated-video.ts";
import type { AgreedVideo, ChosenVideo } from "./negotiated-video.ts";
import {
  bundled,
  insertRefusals,
  joinLines,
  parseSessionDescription,
  sdpError,
  transportOf,
  withoutCandidates,
  writeSessionDescription,
} from "./session-description.ts";
import type { Direction, MediaSection, SessionDescription } from "./session-description.ts";

/** What this side wants of a link. */
export interface WantedMedia {
  audio: boolean;
  data: boolean;
  /** Codecs of video; undefined: none is wanted. A link that wants video wants nothing else. */
  video?: readonly VideoCodecName[] | undefined;
}

/** Audio as agreed. `direction` is seen from this side. */
export interface AgreedAudio {
  mid: string;
  payloadType: number;
  direction: Direction;
  /** Extension id of abs-capture-time, 1 to 14; 0 without it. */
  captureTimeId: number;
}

/** A remote description that was understood. */
export interface RemoteMedia {
  /** For the native side: written anew, holding what is accepted and nothing else. */
  nativeSdp: string;
  audio: AgreedAudio | undefined;
  video: AgreedVideo | undefined;
  /** Whether this side opens the DTLS handshake. */
  dtlsClient: boolean;
  /** First accepted section: the one candidates are signalled for. */
  transportMid: string;
  transportIndex: number;
  usernameFragment: string;
  /** Candidate lines of the description. */
  candidates: readonly string[];
}

/** A remote offer and how to answer it. */
export interface RemoteOffer extends RemoteMedia {
  /** Complete the native side's answer: refuse the other sections in their places, and trickle. */
  completeAnswer(nativeAnswer: string): string;
}

const REVERSED: Record<Direction, Direction> = {
  sendrecv: "sendrecv",
  sendonly: "recvonly",
  recvonly: "sendonly",
  inactive: "inactive",
};

/**
 * Choose what to accept of an offer: the first audio section with Opus and the first SCTP section, on one transport; or
 * its one section of video.
 *
 * @throws TransportError `SDP_ERROR` when it is malformed, or when video is wanted and it holds other media too;
 * `CODEC_MISMATCH` when what is wanted comes without a codec of ours, or when nothing is left to accept
 */
export function readOffer(sdp: string, wanted: WantedMedia): RemoteOffer {
  const offer = parseSessionDescription(sdp);
  const usable = offer.media.filter((section) => !section.rejected && section.direction !== "inactive");
  const voices = usable.filter(
    (section) => section.kind === "audio" && /RTP\/SAVPF?$/.test(section.protocol),
  );
  const voice = wanted.audio ? voices.find((section) => section.opusPayloadType !== undefined) : undefined;
  if (wanted.audio && voices.length > 0 && voice === undefined) throw noOpus("offer");
  const data = usable.find(
    (section) => wanted.data && isSctp(section) && (voice === undefined || bundled(offer, voice, section)),
  );
  const video = wanted.video && chooseVideo(usable, wanted.video);
  const accepted = offer.media.filter((section) => [voice, data, video?.section].includes(section));
  const [first] = accepted;
  if (first === undefined) throw nothingInCommon("offer");

  const transport = transportOf(offer, first);
  const refused = new Map(
    offer.media.flatMap((section, index) => (accepted.includes(section) ? [] : [[index, section] as const])),
  );
  // An answer may only name groups of the offer (RFC 5888 section 9.2); the native side always writes one.
  const grouped = offer.attributes.get("group")?.some((group) => group.startsWith("BUNDLE ")) === true;
  return {
    ...remoteMedia(transport, accepted, { voice, video }, first, offer.media.indexOf(first)),
    // The native side answers `active` wherever it has the choice (RFC 5763 section 5).
    dtlsClient: transport.setup !== "active",
    completeAnswer(nativeAnswer) {
      const lines = withoutCandidates(nativeAnswer).filter(
        (line) => grouped || !line.startsWith("a=group:BUNDLE"),
      );
      return joinLines(insertRefusals(lines, refused));
    },
  };
}

/**
 * Read the answer to `offerSdp`, which is ours.
 * @throws TransportError `SDP_ERROR` when it is malformed or does not fit the offer, `CODEC_MISMATCH` when it accepts
 * audio without Opus, video in no codec of the offer, or nothing at all
 */
export function readAnswer(sdp: string, offerSdp: string): RemoteMedia {
  const answer = parseSessionDescription(sdp);
  const offer = parseSessionDescription(offerSdp);
  if (!fits(answer, offer)) throw sdpError("its m= sections are not those of the offer");
  const accepted = answer.media.filter((section) => !section.rejected);
  const [first] = accepted;
  if (first === undefined) throw nothingInCommon("answer");
  const audio = accepted.find((section) => section.kind === "audio");
  if (audio !== undefined && audio.opusPayloadType === undefined) throw noOpus("answer");
  const picture = accepted.find((section) => section.kind === "video");
  const video = picture && acceptVideo(picture, offer.media[answer.media.indexOf(picture)]);
  const transport = transportOf(answer, first);
  if (transport.setup === "actpass") throw sdpError("an answer must choose its DTLS role");
  const used = {
    voice:
      audio === undefined || audio.direction === "inactive" ? undefined : asOffered(audio, answer, offer),
    video,
  };
  return remoteMedia(transport, answer.media, used, first, answer.media.indexOf(first));
}

function remoteMedia(
  transport: ReturnType<typeof transportOf>,
  media: readonly MediaSection[],
  { voice, video }: { voice: MediaSection | undefined; video: ChosenVideo | undefined },
  first: MediaSection,
  transportIndex: number,
): RemoteMedia {
  const agreement = video?.agreement;
  const shown = agreement
    ? media.map((section) =>
        section === video.section ? { ...section, video: describedAgreement(agreement) } : section,
      )
    : media;
  return {
    nativeSdp: writeSessionDescription(transport, shown),
    audio: voice && {
      mid: voice.mid,
      payloadType: voice.opusPayloadType ?? 0,
      direction: REVERSED[voice.direction],
      captureTimeId: voice.captureTimeId,
    },
    video: video && {
      mid: video.section.mid,
      direction: REVERSED[video.section.direction],
      agreement: video.agreement,
    },
    dtlsClient: transport.setup === "passive",
    transportMid: first.mid,
    transportIndex,
    usernameFragment: transport.usernameFragment,
    candidates: transport.candidates,
  };
}

/** An answerer may not choose the id of an extension (RFC 8285 section 6): under another one it was not agreed. */
function asOffered(
  section: MediaSection,
  answer: SessionDescription,
  offer: SessionDescription,
): MediaSection {
  const offered = offer.media[answer.media.indexOf(section)]?.captureTimeId;
  return { ...section, captureTimeId: section.captureTimeId === offered ? section.captureTimeId : 0 };
}

/** Same number, kinds, order and mids (RFC 3264 section 6). */
function fits(answer: SessionDescription, offer: SessionDescription): boolean {
  if (answer.media.length !== offer.media.length) return false;
  return answer.media.every((section, index) => {
    const ours = offer.media[index];
    return section.kind === ours?.kind && (section.mid === ours.mid || !section.attributes.has("mid"));
  });
}

function isSctp(section: MediaSection): boolean {
  return section.kind === "application" && section.protocol.endsWith("DTLS/SCTP");
}

function noOpus(description: string): TransportError {
  return new TransportError("CODEC_MISMATCH", `the audio of the ${description} has no opus/48000/2`);
}

function nothingInCommon(description: string): TransportError {
  return new TransportError("CODEC_MISMATCH", `the ${description} holds no medium that this link can use`);
}
