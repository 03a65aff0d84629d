// The one video track of a link: how it is declared, and when it may send. What the other side reads about it is written
// here too, because the native side knows neither retransmissions nor all kinds of feedback.
import ndc from "node-datachannel";
import { sourceLines, videoFormats, videoLines } from "../video-description.ts";
import type { DescribedVideo } from "../video-description.ts";
import type { PacketVideoPort, VideoAgreement, VideoLinkOptions } from "../video-link.ts";
import type { AgreedVideo } from "./negotiated-video.ts";
import { NATIVE_DIRECTION, PacketTrack, STREAM_ID } from "./packet-track.ts";
import type { TrackHost } from "./packet-track.ts";
import type { Direction } from "./session-description.ts";

/** Id of the track in `a=msid` (RFC 8830). */
const TRACK_ID = "video";

/** Lines of the native side's section that ours take the place of. */
const REPLACED_PATTERN = /^(?:a=(?:rtpmap|rtcp-fb|fmtp|extmap|ssrc|ssrc-group|msid):|a=rtcp-rsize$|$)/;

/** A {@link PacketVideoPort} over a native track. */
export class VideoTrack implements PacketVideoPort {
  readonly level = "packet";
  agreement: VideoAgreement | undefined;
  readonly packets = new PacketTrack();
  readonly #options: VideoLinkOptions;

  constructor(options: VideoLinkOptions) {
    this.#options = options;
  }

  /**
   * Declare the track. At most once.
   * @param direction seen from this side
   */
  attach(mid: string, direction: Direction, described: DescribedVideo, host: TrackHost): void {
    const { ssrc, rtxSsrc, cname } = this.#options;
    const media = new ndc.Video(mid, NATIVE_DIRECTION[direction]);
    for (const { payloadType, codec } of described.codecs) media.addVideoCodec(payloadType, codec);
    for (const source of [ssrc, rtxSsrc]) media.addSSRC(source, cname, STREAM_ID, TRACK_ID);
    this.packets.attach(media, "video", host);
  }

  /** Say in the native side's description, which holds this one section, what `described` says. */
  complete(lines: readonly string[], described: DescribedVideo): string[] {
    const formats = videoFormats(described).join(" ");
    return [
      ...lines
        .filter((line) => !REPLACED_PATTERN.test(line))
        .map((line) => line.replace(/^(m=video \d+ [A-Z/]+) .*/, `$1 ${formats}`)),
      `a=msid:${STREAM_ID} ${TRACK_ID}`,
      "a=rtcp-rsize",
      ...videoLines(described),
      ...sourceLines(described, this.#options),
    ];
  }

  /** What both sides have agreed on; until then nothing is sent. */
  agree({ agreement }: AgreedVideo): void {
    this.agreement = agreement;
  }

  sendRtp(packet: Uint8Array): boolean {
    return this.agreement !== undefined && this.packets.send(packet);
  }

  sendRtcp(packet: Uint8Array): boolean {
    return this.agreement !== undefined && this.packets.send(packet);
  }
}
