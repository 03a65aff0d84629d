// The payload formats of video by the names of their codecs. The one way to them.
import type { VideoCodecName } from "../platform/video-codecs.ts";
import { depacketizeH264 } from "./depacketizers/h264.ts";
import { depacketizeVp8 } from "./depacketizers/vp8.ts";
import { depacketizeVp9 } from "./depacketizers/vp9.ts";
import { H264Packetizer } from "./packetizers/h264.ts";
import { Vp8Packetizer } from "./packetizers/vp8.ts";
import { Vp9Packetizer } from "./packetizers/vp9.ts";
import type { Depacketize, VideoPacketizer } from "./video-payload.ts";

/** How payloads of a codec are read. */
export const DEPACKETIZERS: Readonly<Record<VideoCodecName, Depacketize>> = {
  VP9: depacketizeVp9,
  H264: depacketizeH264,
  VP8: depacketizeVp8,
};

/**
 * A packetizer for one stream.
 *
 * @param firstPictureId of its first frame, cut to 15 bits; best drawn at random (RFC 9628 and RFC 7741, section 4.2).
 *   H.264 has none
 */
export function createPacketizer(codec: VideoCodecName, firstPictureId: number): VideoPacketizer {
  switch (codec) {
    case "VP9":
      return new Vp9Packetizer(firstPictureId);
    case "VP8":
      return new Vp8Packetizer(firstPictureId);
    case "H264":
      return new H264Packetizer();
  }
}
