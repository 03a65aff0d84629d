// Where outgoing video goes: one peer's link, as those see it who encode. Types only.
import type { I420Picture, VideoCodecName } from "../../platform/video-codecs.ts";
import type { Rotation } from "../../runtime/data.ts";
import type { KeyframeDemandInput } from "./keyframe-demand.ts";

/** A coded frame, cut into payloads that all links share. */
export interface CutFrame {
  /** Ticks of the 90 kHz clock, counted on without wrap; rising. */
  readonly position: number;
  /** Capture, Unix us. */
  readonly captureUs: number;
  readonly isKeyframe: boolean;
  readonly width: number;
  readonly height: number;
  /** Shared: read, never written. */
  readonly payloads: readonly Uint8Array[];
}

/** One peer's link, ready for video. */
export interface VideoSink {
  readonly peerId: string;
  /** We encode and packetize, or the browser does. */
  readonly level: "packet" | "track";
  /** What was agreed on. */
  readonly codec: VideoCodecName;
  /** What the path carries at the moment, kbit/s; where the browser encodes, what it was told to keep below. */
  readonly targetKbps: number;
  /** Of level `packet`: send a frame, evenly over time. One that is not behind the last one is left out. */
  transmit(frame: CutFrame): void;
  /** Of level `track`: hand a picture to the browser's encoder; its planes are not kept. */
  write(picture: I420Picture, timestampUs: number, rotation: Rotation): void;
  /** Of level `track`: change the most that the browser's encoder makes, kbit/s. */
  setBitrate(bitrateKbps: number): void;
}

/** What a link of level `packet` wants of whoever encodes for it. */
export type SinkDemand =
  | Exclude<KeyframeDemandInput, { type: "encoded" }>
  /** {@link VideoSink.targetKbps} has changed. */
  | { type: "target" };
