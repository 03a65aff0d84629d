// The language between the page and the worker of its transforms, and how a frame becomes a message. Never touches a
// clock.
import type { VideoCodecName } from "../video-codecs.ts";
import { codedSize } from "./coded-size.ts";
import type { PictureSize } from "./coded-size.ts";
import type { Departure } from "./sent-pictures.ts";
import type { EncodedFrameLike, EncodedFrameMetadata } from "./web-types.ts";

/** Options of one encoded transform. */
export interface TransformOptions {
  /** Which link of the page it belongs to. */
  link: number;
  /** Frames that come are taken, frames that leave are watched. */
  side: "receive" | "send";
  /** Set for video. */
  video?: VideoTransformOptions;
  /** `performance.timeOrigin` of the page, Unix ms: the worker reports times on the page's clock. */
  pageTimeOrigin: number;
}

/** What is done with pictures that come. */
export interface VideoTransformOptions {
  /** Whether to give the browser small keyframes of our own in place of what it shall not decode. */
  substitute: boolean;
}

/** One encoded audio frame, its buffer transferred. */
export interface FrameMessage {
  type: "frame";
  link: number;
  ssrc: number;
  payloadType: number;
  sequenceNumber: number;
  rtpTimestamp: number;
  /** Empty for padding-only packets. */
  payload: ArrayBuffer;
  /** On the page's monotonic clock. */
  arrivalMs: number;
  /** Sender's Unix ms at capture; null without abs-capture-time. */
  captureMs: number | null;
}

/** One encoded audio frame that has left. */
export interface SentMessage {
  type: "sent";
  link: number;
  ssrc: number;
  rtpTimestamp: number;
  /** Our Unix ms at the capture of its first sample. */
  captureMs: number;
}

/** Number of a coded picture in its stream, and of those that it needs. */
export interface PicturePlace {
  frameId: number;
  dependencies: number[];
}

/** One coded picture, its buffer transferred. */
export interface PictureMessage {
  type: "picture";
  link: number;
  ssrc: number;
  payloadType: number;
  codec: VideoCodecName;
  rtpTimestamp: number;
  data: ArrayBuffer;
  isKeyframe: boolean;
  /** Undefined where nothing tells. */
  size: PictureSize | undefined;
  /** Undefined without dependency descriptors. */
  place: PicturePlace | undefined;
  /** On the page's monotonic clock. */
  arrivalMs: number;
  /** Sender's Unix ms at capture; null without abs-capture-time. */
  captureMs: number | null;
}

/** One coded picture has left: of those of the last few 100 ms the one that the encoder has delayed least. */
export interface DepartureMessage extends Departure {
  type: "departure";
  link: number;
}

/** The stream of a link can no longer, or never could, be received. */
export interface ReceiveFault {
  type: "fault";
  link: number;
  message: string;
}

/** From the worker to the page, once it has said `{ type: "loaded" }`. */
export type ReceiveMessage = FrameMessage | SentMessage | PictureMessage | DepartureMessage | ReceiveFault;

/** From the page to the worker: ask whoever sends to a link for a keyframe. */
export interface KeyframeRequest {
  type: "request-keyframe";
  link: number;
}

/** The clock readings that a frame's times are converted with. */
export interface FrameClock {
  /** `performance.now()` of the worker when the frame was seen. */
  nowMs: number;
  /** `performance.timeOrigin` of the worker, Unix ms. */
  timeOrigin: number;
}

/**
 * Describe a frame for the page. Its buffer is taken, not copied.
 * @returns undefined when the browser does not say which packet it was
 */
export function frameMessage(
  frame: EncodedFrameLike,
  options: TransformOptions,
  clock: FrameClock,
): FrameMessage | undefined {
  const metadata = frame.getMetadata();
  const { synchronizationSource, payloadType, sequenceNumber, rtpTimestamp } = metadata;
  if (synchronizationSource === undefined || sequenceNumber === undefined || rtpTimestamp === undefined) {
    return undefined;
  }
  return {
    type: "frame",
    link: options.link,
    ssrc: synchronizationSource,
    payloadType: payloadType ?? 0,
    sequenceNumber,
    rtpTimestamp,
    payload: frame.data,
    ...timesOf(metadata, options, clock),
  };
}

/** Codecs by the names that browsers give them. */
const CODECS: Readonly<Record<string, VideoCodecName>> = {
  "video/vp9": "VP9",
  "video/h264": "H264",
  "video/vp8": "VP8",
};

/**
 * Describe a coded picture for the page. Its buffer is taken, not copied.
 * @returns undefined when the browser does not say what it is
 */
export function pictureMessage(
  frame: EncodedFrameLike,
  options: TransformOptions,
  clock: FrameClock,
): PictureMessage | undefined {
  const metadata = frame.getMetadata();
  const { synchronizationSource, payloadType, rtpTimestamp, mimeType = "", width = 0, height = 0 } = metadata;
  const codec = CODECS[mimeType.toLowerCase()];
  if (synchronizationSource === undefined || rtpTimestamp === undefined || codec === undefined) {
    return undefined;
  }
  const isKeyframe = frame.type === "key";
  const told = width > 0 && height > 0 ? { width, height } : undefined;
  const { data } = frame;
  const { frameId, dependencies } = metadata;
  return {
    type: "picture",
    link: options.link,
    ssrc: synchronizationSource,
    payloadType: payloadType ?? 0,
    codec,
    rtpTimestamp,
    data,
    isKeyframe,
    size: told ?? (isKeyframe ? codedSize(codec, new Uint8Array(data)) : undefined),
    place: frameId === undefined || dependencies === undefined ? undefined : { frameId, dependencies },
    ...timesOf(metadata, options, clock),
  };
}

function timesOf(
  { receiveTime, captureTime }: EncodedFrameMetadata,
  options: TransformOptions,
  clock: FrameClock,
): { arrivalMs: number; captureMs: number | null } {
  // Browsers that do not stamp the arrival leave the moment the worker saw the frame. Both realms count from their own
  // start; the difference of the origins joins the two clocks.
  return {
    arrivalMs: (receiveTime ?? clock.nowMs) + (clock.timeOrigin - options.pageTimeOrigin),
    captureMs: captureTime === undefined ? null : captureTime + clock.timeOrigin,
  };
}

/** What browsers put into one Opus frame, ms; the last sample of a frame is captured when it is complete. */
const FRAME_MS = 20;

/**
 * Describe a frame that leaves.
 * @returns undefined when the browser does not say which one it was
 */
export function sentMessage(
  frame: EncodedFrameLike,
  options: TransformOptions,
  clock: FrameClock,
): SentMessage | undefined {
  const { synchronizationSource, rtpTimestamp, captureTime } = frame.getMetadata();
  if (synchronizationSource === undefined || rtpTimestamp === undefined) return undefined;
  return {
    type: "sent",
    link: options.link,
    ssrc: synchronizationSource,
    rtpTimestamp,
    // Where the browser does not say (all but Chromium), as if encoding took no time: the delay of the device and of
    // the browser's queues, some 10 to 20 ms, is then missing from the truth.
    captureMs: (captureTime ?? clock.nowMs - FRAME_MS) + clock.timeOrigin,
  };
}
