// One RTCPeerConnection behind the port's PeerLink. Everything the browser says passes a guard on its way out,
// and nothing is said after close().
import { TransportError, toTransportError } from "../../errors/errors.ts";
import type { ErrorCode } from "../../errors/codes.ts";
import type {
  ChannelOptions,
  ChannelPort,
  IceCandidate,
  LinkState,
  LinkStatistics,
  PeerLink,
  PeerLinkEvents,
  PeerLinkOptions,
} from "../platform.ts";
import { AudioMedia } from "./audio-media.ts";
import { CandidateQueue } from "./candidate-queue.ts";
import { BrowserChannel } from "./channel-port.ts";
import type { LinkMedia } from "./link-media.ts";
import { summarizeStatistics } from "./link-statistics.ts";
import type { ReceiveHub } from "./receive-hub.ts";
import type { TrackAudio } from "./track-audio.ts";
import type { TrackVideo } from "./track-video.ts";
import type { OpenVideo } from "./browser-video.ts";
import type { VideoMedia } from "./video-media.ts";

/** Channels a peer may open in-band; ours are negotiated, so a foreign stack needs three at most. */
const MAX_FOREIGN_CHANNELS = 16;

/** What has been described so far. */
type Phase = "new" | "offering" | "described";

/** A {@link PeerLink} in a browser: frames come in encoded, samples or tracks go out. */
export class BrowserPeerLink implements PeerLink {
  readonly channels: ReadonlyMap<string, ChannelPort>;
  readonly #audio: AudioMedia | undefined;
  readonly #video: VideoMedia | undefined;
  /** Whichever of the two there is. */
  readonly #media: LinkMedia | undefined;
  readonly #options: PeerLinkOptions;
  readonly #events: PeerLinkEvents;
  readonly #native: RTCPeerConnection;
  readonly #candidates: CandidateQueue;
  readonly #ports = new Set<BrowserChannel>();
  readonly #listening = new AbortController();
  /** Rejects when the link is closed: calls the browser then never settles must settle. */
  readonly #gone: Promise<never>;
  #leave: (error: TransportError) => void = () => undefined;
  #state: LinkState = "new";
  #phase: Phase = "new";
  #foreignChannels = 0;
  #closed = false;

  /**
   * @param openVideo undefined while what video needs has not been loaded
   * @throws TransportError `NOT_SUPPORTED`, `CONNECTION_FAILED`, `INVALID_DATA`
   */
  constructor(options: PeerLinkOptions, events: PeerLinkEvents, hub: ReceiveHub, openVideo?: OpenVideo) {
    if (options.video !== undefined && openVideo === undefined) {
      throw new TransportError("NOT_SUPPORTED", "video: the codecs have not been loaded");
    }
    this.#options = options;
    this.#events = events;
    this.#native = openNative(options);
    this.#gone = new Promise((_, reject) => {
      this.#leave = reject;
    });
    this.#gone.catch(() => undefined); // often nobody waits
    this.#candidates = new CandidateQueue((candidate) => this.#tell(() => events.candidate(candidate)));
    this.channels = new Map(options.channels.map((channel) => [channel.label, this.#openChannel(channel)]));
    const { name, audio } = options;
    this.#audio = audio && new AudioMedia(name, audio, hub, this.#told);
    this.#video = openVideo?.(options, hub, this.#told);
    this.#media = this.#audio ?? this.#video;
    this.#listen();
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Undefined too once the other side has shown that it has no audio. */
  get audio(): TrackAudio | undefined {
    return this.#audio?.refused === true ? undefined : this.#audio?.port;
  }

  get video(): TrackVideo | undefined {
    return this.#video?.port;
  }

  createOffer(): Promise<string> {
    return this.#describe("createOffer", "new", async () => {
      this.#phase = "offering";
      await this.#media?.settled;
      this.#media?.offer(this.#native);
      const offer = await this.#native.createOffer();
      await this.#native.setLocalDescription(offer);
      await this.#media?.applyLimits();
      return this.#asOurs(offer);
    });
  }

  createAnswer(offerSdp: string): Promise<string> {
    return this.#describe("createAnswer", "new", async () => {
      this.#phase = "described";
      this.#media?.check(offerSdp, "offer");
      await this.#media?.settled;
      await this.#native.setRemoteDescription({ type: "offer", sdp: this.#asTheirs(offerSdp) });
      this.#refuseExtraMedia();
      const answer = await this.#native.createAnswer();
      await this.#native.setLocalDescription(answer);
      await this.#media?.applyLimits();
      return this.#asOurs(answer);
    });
  }

  acceptAnswer(answerSdp: string): Promise<void> {
    return this.#describe("acceptAnswer", "offering", async () => {
      this.#phase = "described";
      this.#media?.check(answerSdp, "answer");
      await this.#native.setRemoteDescription({ type: "answer", sdp: this.#asTheirs(answerSdp) });
      await this.#media?.applyLimits();
    });
  }

  async addCandidate(candidate: IceCandidate): Promise<void> {
    if (this.#closed) return;
    // A description that was handed in before may still wait for the same.
    await this.#media?.settled;
    try {
      await Promise.race([this.#native.addIceCandidate(candidate), this.#gone]);
    } catch (error) {
      this.#fault(toTransportError(error, "ICE_CANDIDATE_ERROR", `${this.#options.name}: candidate refused`));
    }
  }

  async statistics(): Promise<LinkStatistics> {
    if (this.#closed) return summarizeStatistics([]);
    const report = await this.#settle("statistics", "CONNECTION_FAILED", () => this.#native.getStats());
    return summarizeStatistics(report.values() as Iterable<Record<string, unknown>>);
  }

  close(): Promise<void> {
    if (this.#closed) return Promise.resolve();
    this.#listening.abort();
    this.#leave(closedError(this.#options.name));
    for (const port of this.#ports) port.close();
    this.#native.close();
    this.#media?.close();
    this.#setState("closed");
    this.#closed = true;
    return Promise.resolve();
  }

  #listen(): void {
    const native = this.#native;
    const { signal } = this.#listening;
    native.addEventListener("icecandidate", ({ candidate }) => this.#candidates.push(candidate), { signal });
    native.addEventListener("connectionstatechange", () => this.#setState(native.connectionState), {
      signal,
    });
    native.addEventListener("datachannel", ({ channel }) => this.#acceptChannel(channel), { signal });
    // Runs inside setRemoteDescription: the transform is in place before the transport can deliver anything.
    const adopt = ({ transceiver }: RTCTrackEvent): void => this.#tell(() => this.#media?.adopt(transceiver));
    native.addEventListener("track", adopt, { signal });
  }

  /** One stream of media is all a link carries; the answer calls whatever else was offered inactive. */
  #refuseExtraMedia(): void {
    for (const transceiver of this.#native.getTransceivers()) {
      if (this.#media?.uses(transceiver) !== true) transceiver.stop();
    }
  }

  #asOurs({ sdp, type }: RTCSessionDescriptionInit): string {
    if (sdp === undefined || (type !== "offer" && type !== "answer"))
      throw new TransportError("SDP_ERROR", "the browser made an empty description");
    return this.#media?.asOurs(sdp, type) ?? sdp;
  }

  #asTheirs(sdp: string): string {
    return this.#media?.asTheirs(sdp) ?? sdp;
  }

  /** A link negotiates once, as offerer or as answerer; another attempt is another link. */
  async #describe<T>(what: string, phase: Phase, work: () => Promise<T>): Promise<T> {
    this.#candidates.hold();
    try {
      return await this.#settle(what, "SDP_ERROR", () => {
        if (this.#phase === phase) return work();
        throw new TransportError("SDP_ERROR", `${this.#options.name}: ${what} does not fit: ${this.#phase}`);
      });
    } finally {
      this.#candidates.releaseLater();
    }
  }

  async #settle<T>(what: string, code: ErrorCode, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw closedError(this.#options.name);
    try {
      return await Promise.race([work(), this.#gone]);
    } catch (error) {
      throw toTransportError(error, code, `${this.#options.name}: ${what} failed`);
    }
  }

  #openChannel({ label, id, ordered, maxRetransmits }: ChannelOptions): ChannelPort {
    const init: RTCDataChannelInit = { negotiated: true, id, ordered };
    if (maxRetransmits !== undefined) init.maxRetransmits = maxRetransmits;
    return this.#port(this.#native.createDataChannel(label, init));
  }

  #acceptChannel(native: RTCDataChannel): void {
    if (++this.#foreignChannels > MAX_FOREIGN_CHANNELS) {
      native.close();
      const message = `${this.#options.name}: the other side opens more than ${MAX_FOREIGN_CHANNELS} channels`;
      return this.#fault(new TransportError("DATA_CHANNEL_ERROR", message));
    }
    const port = this.#port(native);
    const announce = (): void => this.#tell(() => this.#events.channel(port));
    if (port.open) announce();
    else native.addEventListener("open", announce, { once: true, signal: this.#listening.signal });
  }

  #port(native: RTCDataChannel): BrowserChannel {
    const port = new BrowserChannel(
      native,
      () => this.#native.sctp,
      (error) => this.#fault(error),
    );
    this.#ports.add(port);
    return port;
  }

  /** The listener, as our parts may call it. */
  readonly #told: Pick<PeerLinkEvents, "frame" | "sent" | "videoFrame" | "sentVideo" | "fault"> = {
    frame: (frame) => this.#tell(() => this.#events.frame(frame)),
    sent: (mark) => this.#tell(() => this.#events.sent(mark)),
    videoFrame: (frame) => this.#tell(() => this.#events.videoFrame?.(frame)),
    sentVideo: (mark) => this.#tell(() => this.#events.sentVideo?.(mark)),
    fault: (error) => this.#fault(error),
  };

  #setState(state: LinkState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#tell(() => this.#events.state(state));
  }

  #tell(call: () => void): void {
    if (this.#closed) return;
    try {
      call();
    } catch (error) {
      this.#fault(error);
    }
  }

  #fault(error: unknown): void {
    if (this.#closed) return;
    try {
      this.#events.fault(error);
    } catch {
      // The listener for faults is itself at fault: there is nobody left to tell.
    }
  }
}

function openNative({ name, iceServers, iceTransportPolicy }: PeerLinkOptions): RTCPeerConnection {
  if (typeof RTCPeerConnection === "undefined") {
    throw new TransportError("NOT_SUPPORTED", "this runtime has no RTCPeerConnection");
  }
  try {
    return new RTCPeerConnection({ iceServers, iceTransportPolicy, bundlePolicy: "max-bundle" });
  } catch (error) {
    throw toTransportError(error, "CONNECTION_FAILED", `${name}: the browser made no connection`);
  }
}

function closedError(name: string): TransportError {
  return new TransportError("CONNECTION_FAILED", `${name}: the link was closed`);
}
