// A peer over the bare native API, which does what links never do: several tracks, in-band channels, any bytes.
import ndc from "node-datachannel";
import type { Audio, DataChannel, PeerConnection, Track, Video } from "node-datachannel";
import { joinLines, withoutCandidates } from "../../../src/platform/node/session-description.ts";
import type { IceCandidate } from "../../../src/platform/platform.ts";
import type { RecordedLink } from "../../contract/link-pair.ts";

const live = new Set<RawPeer>();

/** Offers sections of the given kinds (`audio`, `video`) and an SCTP association. */
export class RawPeer {
  readonly channel: DataChannel;
  readonly #connection: PeerConnection;
  readonly #tracks: Track[] = [];
  readonly #channels: DataChannel[] = [];
  readonly #closed: Promise<void>;

  constructor(kinds: readonly string[]) {
    this.#connection = new ndc.PeerConnection("raw", {
      iceServers: [],
      disableAutoNegotiation: true,
      forceMediaTransport: true,
      bindAddress: "127.0.0.1",
    });
    live.add(this);
    this.#closed = new Promise((resolve) => {
      this.#connection.onStateChange((state) => {
        if (state !== "closed") return;
        setImmediate(() => {
          for (const track of this.#tracks) track.close();
          live.delete(this);
          resolve();
        });
      });
    });
    kinds.forEach((kind, index) => this.#addTrack(kind, index));
    this.channel = this.openChannel("first");
  }

  /** Tracks that the other side has accepted. */
  get openTracks(): number {
    return this.#tracks.filter((track) => track.isOpen()).length;
  }

  /** Offer, have it answered, trickle, and wait until the first channel is open on this side. */
  async connectTo(link: RecordedLink): Promise<void> {
    const connection = this.#connection;
    const candidates: IceCandidate[] = [];
    connection.onLocalCandidate((candidate, sdpMid) => {
      candidates.push({ candidate, sdpMid, sdpMLineIndex: 0 });
    });
    connection.setLocalDescription("offer");
    const offer = joinLines(withoutCandidates(connection.localDescription()?.sdp ?? ""));
    connection.setRemoteDescription(await link.link.createAnswer(offer), "answer");
    link.onCandidate = ({ candidate, sdpMid }) => {
      if (candidate !== "" && sdpMid !== null) connection.addRemoteCandidate(candidate, sdpMid);
    };
    for (const candidate of link.candidates) link.onCandidate(candidate);
    // Not earlier: the native side cannot be connected to before it has the answer.
    for (const candidate of candidates) await link.link.addCandidate(candidate);
    connection.onLocalCandidate((candidate, sdpMid) => {
      void link.link.addCandidate({ candidate, sdpMid, sdpMLineIndex: 0 });
    });
    while (!this.channel.isOpen() || link.link.state !== "connected") {
      if (link.link.state === "closed") throw new Error("the link has closed instead of connecting");
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  openChannel(label: string): DataChannel {
    const channel = this.#connection.createDataChannel(label);
    channel.onClosed(() => undefined);
    this.#channels.push(channel);
    return channel;
  }

  sendRtp(packet: Buffer): boolean {
    return this.#send(packet);
  }

  sendRtcp(packet: Buffer): boolean {
    return this.#send(packet);
  }

  close(): Promise<void> {
    this.#connection.close();
    return this.#closed;
  }

  #send(packet: Buffer): boolean {
    try {
      return this.#tracks.find((track) => track.isOpen())?.sendMessageBinary(packet) ?? false;
    } catch {
      // Too short for the native side: nothing to send.
      return false;
    }
  }

  #addTrack(kind: string, index: number): void {
    const media = kind === "video" ? video(`${index}`) : audio(`${index}`);
    media.addSSRC(0x1111_1111 + index, "raw", "stream", `track${index}`);
    const track = this.#connection.addTrack(media);
    track.onClosed(() => undefined);
    this.#tracks.push(track);
  }
}

function video(mid: string): Video {
  const media = new ndc.Video(mid, "SendRecv");
  media.addVP8Codec(96);
  return media;
}

function audio(mid: string): Audio {
  const media = new ndc.Audio(mid, "SendRecv");
  media.addOpusCodec(111, "minptime=10");
  return media;
}
