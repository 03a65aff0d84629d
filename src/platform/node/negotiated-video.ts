// What comes out of an offer and an answer of video: which section is used, and in which codec. Pure.
import { TransportError } from "../../errors/errors.ts";
import type { VideoCodecName } from "../video-codecs.ts";
import { acceptedVideo, answeredVideo } from "../video-description.ts";
import type { VideoAgreement } from "../video-link.ts";
import { sdpError } from "./session-description.ts";
import type { Direction, MediaSection } from "./session-description.ts";

/** Video as agreed. `direction` is seen from this side. */
export interface AgreedVideo {
  mid: string;
  direction: Direction;
  agreement: VideoAgreement;
}

/** A section, and what is agreed about it. */
export interface ChosenVideo {
  section: MediaSection;
  agreement: VideoAgreement;
}

/**
 * Choose the video of an offer.
 *
 * @param usable its sections that are neither rejected nor inactive
 * @param codecs ours; the offer's order decides
 * @returns undefined when it has none
 * @throws TransportError `SDP_ERROR` when it holds more than one section of media, because the native side must never
 * hold two tracks; `CODEC_MISMATCH` when its video is in no codec of ours
 */
export function chooseVideo(
  usable: readonly MediaSection[],
  codecs: readonly VideoCodecName[],
): ChosenVideo | undefined {
  const media = usable.filter(({ kind }) => kind !== "application");
  if (media.length > 1) throw sdpError("a link with video takes one section of media");
  const section = media.find(({ kind, protocol }) => kind === "video" && /RTP\/SAVPF?$/.test(protocol));
  if (section === undefined) return undefined;
  const agreement = answeredVideo(section.video, codecs);
  if (agreement === undefined) throw mismatch("offer");
  return { section, agreement };
}

/**
 * What an answer says of the video that we have offered.
 * @throws TransportError `CODEC_MISMATCH` when it accepts video, but in no codec that was offered, or in no direction
 */
export function acceptVideo(answered: MediaSection, offered: MediaSection | undefined): ChosenVideo {
  const flows = answered.direction !== "inactive";
  const agreement = flows && offered ? acceptedVideo(answered.video, offered.video) : undefined;
  if (agreement === undefined) throw mismatch("answer");
  return { section: answered, agreement };
}

function mismatch(description: string): TransportError {
  return new TransportError(
    "CODEC_MISMATCH",
    `the video of the ${description} has no codec in common with ours`,
  );
}
