// The media of a simulated link: what is offered and agreed on, and the ports that send. Knows nothing of the other side;
// its link carries the packets.
import { TransportError } from "../errors/errors.ts";
import type { PacketAudioPort, PeerLinkOptions } from "../platform/platform.ts";
import { acceptedVideo, answeredVideo, describedAgreement } from "../platform/video-description.ts";
import type { PacketVideoPort, VideoAgreement } from "../platform/video-link.ts";
import { captureTimeIdIn, offeredMedia } from "./simulated-sdp.ts";
import type { DescribedMedia, SimulatedDescription } from "./simulated-sdp.ts";

/** Smallest RTP and RTCP packets (RFC 3550 sections 5.1 and 6.4.2). */
const MIN_BYTES = { rtp: 12, rtcp: 8 };

/** RTP and RTCP are made above the port: a link counts nothing of theirs. */
export const UNMEASURED = {
  availableOutgoingBps: null,
  audioOut: null,
  audioOutRemote: null,
  audioInRemote: null,
  video: null,
} as const;

/** Sends a packet. @returns false when the link is not up */
export type CarryPacket = (packet: Uint8Array, medium: "rtp" | "rtcp") => boolean;

/** See the header. Its ports refuse what is too short to be a packet, and all before they are agreed on. */
export class SimulatedMedia {
  readonly #options: PeerLinkOptions;
  #audio: PacketAudioPort | undefined;
  #video: PacketVideoPort | undefined;
  #payloadType = 0;
  #captureTimeId = 0;
  #agreement: VideoAgreement | undefined;

  constructor(options: PeerLinkOptions, carry: CarryPacket) {
    this.#options = options;
    const senders = (agreed: () => boolean): Pick<PacketVideoPort, "sendRtp" | "sendRtcp"> => {
      const send = (packet: Uint8Array, medium: "rtp" | "rtcp"): boolean =>
        packet.length >= MIN_BYTES[medium] && agreed() && carry(packet, medium);
      return { sendRtp: (packet) => send(packet, "rtp"), sendRtcp: (packet) => send(packet, "rtcp") };
    };
    if (options.audio !== undefined) this.#audio = this.#audioPort(senders(() => this.#payloadType !== 0));
    if (options.video !== undefined)
      this.#video = this.#videoPort(senders(() => this.#agreement !== undefined));
  }

  /** Undefined from the moment the other side is known not to want audio. */
  get audio(): PacketAudioPort | undefined {
    return this.#audio;
  }

  /** Likewise. */
  get video(): PacketVideoPort | undefined {
    return this.#video;
  }

  /**
   * Agree to an offer as far as it can be. @returns what to answer
   * @throws TransportError `CODEC_MISMATCH` when a wanted medium has no codec of ours
   */
  answer(offer: SimulatedDescription): DescribedMedia {
    const { audio, video } = this.#options;
    const codecs = video?.codecs;
    this.#agreeOnVideo(offer, (offered) => codecs && answeredVideo(offered, codecs));
    this.#agreeOnAudio(offer);
    const own = { payloadType: this.#payloadType, captureTimeId: this.#captureTimeId };
    const agreement = this.#agreement;
    return {
      ...(offer.audio && { audio: audio && own.payloadType > 0 ? { ...audio, ...own } : "rejected" }),
      ...(offer.video && {
        video: video && agreement ? { sources: video, described: describedAgreement(agreement) } : "rejected",
      }),
    };
  }

  /** Take the answer to our offer. @throws TransportError `CODEC_MISMATCH`, as {@link answer} does */
  accept(answer: SimulatedDescription): void {
    const { video } = offeredMedia(this.#options);
    const offered = video === "rejected" ? undefined : video?.described;
    this.#agreeOnVideo(answer, (answered) => offered && acceptedVideo(answered, offered));
    this.#agreeOnAudio(answer);
  }

  #agreeOnAudio(remote: SimulatedDescription): void {
    if (this.#audio === undefined) return;
    if (remote.audio === undefined || remote.audio === "rejected") {
      this.#audio = undefined;
      return;
    }
    const { payloadType } = remote.audio;
    if (payloadType === undefined) throw mismatch("the other side does not speak Opus");
    this.#payloadType = payloadType;
    // Both ends run this code: an answer holds the offer's id, or none.
    this.#captureTimeId = captureTimeIdIn(remote);
  }

  #agreeOnVideo(
    { video }: SimulatedDescription,
    agree: (described: ReturnType<typeof describedAgreement>) => VideoAgreement | undefined,
  ): void {
    if (this.#video === undefined) return;
    if (video === undefined || video === "rejected") throw mismatch("the other side has no video");
    this.#agreement = agree(video.described);
    if (this.#agreement === undefined)
      throw mismatch("the other side has no codec of video in common with us");
  }

  #audioPort(senders: Pick<PacketAudioPort, "sendRtp" | "sendRtcp">): PacketAudioPort {
    const payloadType = (): number => this.#payloadType;
    const captureTimeId = (): number => this.#captureTimeId;
    return {
      level: "packet",
      get payloadType() {
        return payloadType();
      },
      get captureTimeId() {
        return captureTimeId();
      },
      ...senders,
    };
  }

  #videoPort(senders: Pick<PacketVideoPort, "sendRtp" | "sendRtcp">): PacketVideoPort {
    const agreement = (): VideoAgreement | undefined => this.#agreement;
    return {
      level: "packet",
      get agreement() {
        return agreement();
      },
      ...senders,
    };
  }
}

function mismatch(message: string): TransportError {
  return new TransportError("CODEC_MISMATCH", message);
}
