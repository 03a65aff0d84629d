// What all processes and pages of a run must agree on about video: sizes, rates, and which number each sender has in the
// codes of its pictures. Pure.
import type { VideoConfig } from "../../../config/config.ts";
import { pixelsOf, RESOLUTION_NAMES } from "../../../config/resolution.ts";
import type { VideoResolution } from "../../../config/resolution.ts";

/** Names of the peers of a run, in order of appearance; a page cannot take them. */
export const PEER_NAMES = [
  ...["alice", "bob", "carol", "dave", "erin"],
  ...["frank", "grace", "heidi", "ivan", "judy"],
] as const satisfies readonly string[];

/** Numbers below this are those of the peers; pages get one above. */
const FIRST_PAGE_SENDER = 16;
const SENDERS = 256;

/** Bits that a picture of the test pattern gets for each of its pixels: some 38 dB, and room for keyframes. */
const BITS_PER_PIXEL = 0.5;
const LEAST_KBPS = 300;
const MOST_KBPS = 8_000;
/** What a transport takes for its rate. */
const LEAST_FPS = 10;
const MOST_FPS = 60;

/** Sizes of pictures. */
export interface PictureSize {
  /** Pixels. */
  width: number;
  height: number;
}

/** Size and rate of a stream of pictures. */
export interface PictureFormat extends PictureSize {
  /** Pictures a second. */
  framerateFps: number;
}

/** The video of a run. */
export interface VideoPlan extends PictureFormat {
  /** Y4M files that the peers show in turn, in their own size and at their own rate; none: test patterns. */
  files: readonly string[];
}

/** The number of a sender in the codes of its pictures, 0 to 255. Two pages may, though hardly do, have the same. */
export function senderOf(peerId: string): number {
  const place = (PEER_NAMES as readonly string[]).indexOf(peerId);
  if (place >= 0) return place;
  // FNV-1a.
  let hash = 0x811c9dc5;
  for (let i = 0; i < peerId.length; i++) hash = Math.imul(hash ^ peerId.charCodeAt(i), 0x01000193);
  return FIRST_PAGE_SENDER + ((hash >>> 0) % (SENDERS - FIRST_PAGE_SENDER));
}

/** How a transport is set up for these pictures: neither shrunk nor left out, and fine enough to be compared. */
export function videoConfigOf(format: PictureFormat): Partial<VideoConfig> & { enabled: true } {
  const { width, height, framerateFps } = format;
  const kbps = Math.round((BITS_PER_PIXEL * width * height * framerateFps) / 1000);
  return {
    enabled: true,
    resolution: resolutionFor(format),
    framerateFps: Math.max(LEAST_FPS, Math.min(MOST_FPS, Math.ceil(framerateFps))),
    bitrateKbps: Math.max(LEAST_KBPS, Math.min(MOST_KBPS, kbps)),
  };
}

/** The smallest size with a name into which pictures fit, upright ones too. */
function resolutionFor({ width, height }: PictureSize): VideoResolution {
  const [long, short] = [Math.max(width, height), Math.min(width, height)];
  const fits = RESOLUTION_NAMES.find((name) => {
    const size = pixelsOf(name);
    return long <= size.width && short <= size.height;
  });
  return fits ?? "1080p";
}
