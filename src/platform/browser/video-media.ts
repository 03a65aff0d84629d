// The video of a browser link: one transceiver, in the one codec that both sides have agreed on, its frames taken by the
// worker, its pictures written to a track.
import { TransportError } from "../../errors/errors.ts";
import type { PeerLinkEvents } from "../platform.ts";
import type { VideoCodecName } from "../video-codecs.ts";
import { acceptedVideo, answeredVideo } from "../video-description.ts";
import type { VideoLinkOptions } from "../video-link.ts";
import type { LinkMedia } from "./link-media.ts";
import type { LinkTransforms, ReceiveHub } from "./receive-hub.ts";
import { TrackVideo } from "./track-video.ts";
import { countMedia, describedVideo, startingAt } from "./video-sdp.ts";
import { askForExtensions, browserCodecs, preferCodecs } from "./video-transceiver.ts";
import type { ExtensibleTransceiver } from "./web-types.ts";
import { videoTrackGeneratorClass } from "./web-types.ts";

/** Bitrate to begin with, kbit/s: the estimate of what the path carries needs seconds to get there by itself. */
const START_KBPS = 1_500;

/** See the header. */
export class VideoMedia implements LinkMedia {
  readonly port: TrackVideo;
  readonly #name: string;
  readonly #options: VideoLinkOptions;
  readonly #transforms: LinkTransforms;
  readonly #fault: (error: unknown) => void;
  /** What may be negotiated: of the options, what the browser has too; from the offer on, one. */
  #codecs: readonly VideoCodecName[];
  #offer = "";
  #transceiver: RTCRtpTransceiver | undefined;

  /** @param events none of which throws; @param name of the link */
  constructor(
    name: string,
    options: VideoLinkOptions,
    hub: ReceiveHub,
    events: Pick<PeerLinkEvents, "videoFrame" | "sentVideo" | "fault">,
  ) {
    this.#name = name;
    this.#options = options;
    this.#codecs = browserCodecs(options.codecs);
    this.#fault = (error) => events.fault(error);
    const askForKeyframe = (): void => this.#transforms.requestKeyframe();
    this.port = new TrackVideo(videoTrackGeneratorClass(), options, askForKeyframe, this.#fault);
    this.#transforms = hub.open({
      videoFrame: (frame) => events.videoFrame?.(frame),
      videoLeft: (departure) => events.sentVideo?.(this.port.mark(departure)),
      fault: this.#fault,
    });
  }

  get settled(): Promise<void> {
    return this.#transforms.settled;
  }

  offer(native: RTCPeerConnection): void {
    if (this.#codecs.length === 0) {
      const wanted = this.#options.codecs.join(", ");
      throw new TransportError("NOT_SUPPORTED", `${this.#name}: this browser has none of ${wanted}`);
    }
    const transceiver = native.addTransceiver("video", { direction: "sendrecv" });
    askForExtensions(transceiver as RTCRtpTransceiver & ExtensibleTransceiver);
    this.#take(transceiver);
  }

  adopt(transceiver: RTCRtpTransceiver): void {
    if (this.#transceiver === undefined && transceiver.receiver.track.kind === "video")
      this.#take(transceiver);
  }

  uses(transceiver: RTCRtpTransceiver): boolean {
    return transceiver === this.#transceiver;
  }

  check(sdp: string, type: "offer" | "answer"): void {
    if (countMedia(sdp) > 1) {
      throw new TransportError("SDP_ERROR", `${this.#name}: a link with video takes one section of media`);
    }
    const theirs = describedVideo(sdp);
    const ours = describedVideo(this.#offer);
    const agreement = type === "offer" ? answeredVideo(theirs, this.#codecs) : acceptedVideo(theirs, ours);
    if (agreement === undefined) {
      throw new TransportError(
        "CODEC_MISMATCH",
        `${this.#name}: the other side has no codec of video of ours`,
      );
    }
    this.#codecs = [agreement.codec];
    if (type === "answer") this.port.agreement = agreement;
  }

  asOurs(sdp: string, type: "offer" | "answer"): string {
    if (type === "offer") this.#offer = sdp;
    else this.port.agreement = answeredVideo(describedVideo(sdp), this.#codecs);
    return sdp;
  }

  asTheirs(sdp: string): string {
    const { bitrateKbps, minBitrateKbps } = this.#options;
    return startingAt(sdp, Math.min(START_KBPS, bitrateKbps), minBitrateKbps);
  }

  applyLimits(): Promise<void> {
    return this.port.applyLimits();
  }

  close(): void {
    this.port.close();
    this.#transforms.close();
  }

  #take(transceiver: RTCRtpTransceiver): void {
    this.#transceiver = transceiver;
    transceiver.direction = "sendrecv";
    preferCodecs(transceiver, this.#codecs);
    // Coded pictures in place of those that came keep the browser's own decoder content; only Chromium's way with them
    // is known, and it is the one with generators.
    this.#transforms.attach(transceiver, { substitute: videoTrackGeneratorClass() !== undefined });
    this.port.attach(transceiver.sender).catch(this.#fault);
  }
}
