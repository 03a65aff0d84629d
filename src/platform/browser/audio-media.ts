// The audio of a browser link: one transceiver of Opus, its frames taken by the worker, its samples written to a track.
import { TransportError } from "../../errors/errors.ts";
import type { AudioLinkOptions, PeerLinkEvents } from "../platform.ts";
import { askForCaptureTimes, prepareTransceiver } from "./audio-transceiver.ts";
import type { LinkMedia } from "./link-media.ts";
import { audioOffer, steeringEncoder, withWishes } from "./opus-sdp.ts";
import type { LinkTransforms, ReceiveHub } from "./receive-hub.ts";
import { TrackAudio } from "./track-audio.ts";
import { audioTrackGeneratorClass } from "./web-types.ts";
import type { ExtensibleTransceiver } from "./web-types.ts";

/** See the header. */
export class AudioMedia implements LinkMedia {
  readonly port: TrackAudio;
  readonly #name: string;
  readonly #options: AudioLinkOptions;
  readonly #transforms: LinkTransforms;
  readonly #fault: (error: unknown) => void;
  #transceiver: RTCRtpTransceiver | undefined;
  #refused = false;

  /** @param events none of which throws; @param name of the link */
  constructor(
    name: string,
    options: AudioLinkOptions,
    hub: ReceiveHub,
    events: Pick<PeerLinkEvents, "frame" | "sent" | "fault">,
  ) {
    this.#name = name;
    this.#options = options;
    this.#fault = (error) => events.fault(error);
    this.port = new TrackAudio(audioTrackGeneratorClass(), options.bitrateKbps, this.#fault);
    this.#transforms = hub.open({
      frame: (frame) => events.frame(frame),
      sent: (mark) => events.sent(this.port.exact(mark)),
      fault: this.#fault,
    });
  }

  get settled(): Promise<void> {
    return this.#transforms.settled;
  }

  /** Whether the other side has shown that it does not want audio. */
  get refused(): boolean {
    return this.#refused;
  }

  offer(native: RTCPeerConnection): void {
    const transceiver = native.addTransceiver("audio", { direction: "sendrecv" });
    askForCaptureTimes(transceiver as RTCRtpTransceiver & ExtensibleTransceiver);
    this.#take(transceiver);
  }

  adopt(transceiver: RTCRtpTransceiver): void {
    if (this.#transceiver === undefined && transceiver.receiver.track.kind === "audio")
      this.#take(transceiver);
  }

  uses(transceiver: RTCRtpTransceiver): boolean {
    return transceiver === this.#transceiver;
  }

  check(sdp: string): void {
    const offer = audioOffer(sdp);
    this.#refused = offer === "none" || offer === "refused";
    if (offer !== "other") return;
    throw new TransportError("CODEC_MISMATCH", `${this.#name}: the other side has audio, but no Opus`);
  }

  asOurs(sdp: string): string {
    return withWishes(sdp, this.#options);
  }

  asTheirs(sdp: string): string {
    return steeringEncoder(sdp, this.#options);
  }

  applyLimits(): Promise<void> {
    return this.port.applyBitrate();
  }

  close(): void {
    this.port.close();
    this.#transforms.close();
  }

  #take(transceiver: RTCRtpTransceiver): void {
    this.#transceiver = transceiver;
    prepareTransceiver(transceiver, this.#transforms);
    this.port.attach(transceiver.sender).catch(this.#fault);
  }
}
