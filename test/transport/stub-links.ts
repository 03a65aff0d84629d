// Links that keep what they are sent: packets as a native connection would get them, without network or receiver.
import type { OpusCodec, OpusEncoder } from "../../src/codecs/opus.ts";
import type { AudioConfig } from "../../src/config/config.ts";
import type { LaneFrame } from "../../src/media/audio-lane.ts";
import type { FrameSink } from "../../src/media/link-feed.ts";
import { AudioSender } from "../../src/media/sender.ts";
import { parseRtp } from "../../src/rtp/packet.ts";
import { Emitter } from "../../src/runtime/emitter.ts";
import type { Clock } from "../../src/runtime/time.ts";
import type { TransportEvents } from "../../src/transport/events.ts";
import { Outbox } from "../../src/transport/outbox.ts";
import { OutgoingAudio } from "../../src/transport/outgoing-audio.ts";
import type { SendingPeer } from "../../src/transport/outbox.ts";

export const AUDIO: AudioConfig = {
  enabled: true,
  sampleRate: 48_000,
  channels: 1,
  bitrateKbps: 32,
  complexity: 5,
  frameMs: 20,
  application: "voip",
  fec: false,
  dtx: false,
};

/** A packet and when it left. */
export interface StubPacket {
  bytes: Uint8Array;
  atMs: number;
}

/** A link's sending side. */
export class StubLink implements FrameSink {
  readonly level = "packet";
  readonly remotePacketLossRate = 0;
  readonly packets: StubPacket[] = [];
  /** What the frames were made of. */
  readonly samples: Float32Array[] = [];
  readonly sender = new AudioSender({ ssrc: 1, sequenceNumber: 0, timestampBase: 0 });
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  transmit(frame: LaneFrame<unknown>, payload: Uint8Array | undefined): void {
    if (payload === undefined) return;
    const { position, samples } = frame;
    const packet = this.sender.packetize({ position, durationTicks: samples.length }, payload, 111);
    if (packet === undefined) return;
    this.packets.push({ bytes: packet.slice(), atMs: this.#clock.now() });
    this.samples.push(samples.slice());
    this.sender.settle(true);
  }

  /** Steps of the RTP timestamps from packet to packet. */
  get steps(): number[] {
    const stamps = this.packets.map(({ bytes }) => {
      const rtp = parseRtp(bytes);
      return typeof rtp === "string" ? NaN : rtp.timestamp;
    });
    return stamps.slice(1).map((stamp, i) => (stamp - (stamps[i] ?? 0)) >>> 0);
  }
}

/** How often encoders were asked for, used and freed. */
export interface EncoderCounts {
  made: number;
  encodes: number;
  freed: number;
}

/** A codec that counts. */
export function counted(codec: OpusCodec, counts: EncoderCounts): OpusCodec {
  return {
    ...codec,
    createEncoder: async (options) => {
      counts.made++;
      const encoder = await codec.createEncoder(options);
      const counting: Pick<OpusEncoder, "encode" | "setPacketLoss" | "setBitrate" | "free"> = {
        encode: (samples) => {
          counts.encodes++;
          return encoder.encode(samples);
        },
        setPacketLoss: (loss) => encoder.setPacketLoss(loss),
        setBitrate: (kbps) => encoder.setBitrate(kbps),
        free: () => {
          counts.freed++;
          encoder.free();
        },
      };
      return counting as OpusEncoder;
    },
  };
}

/** An outbox with stub links to these peers. */
export function outboxOf(
  clock: Clock,
  codec: OpusCodec | undefined,
  peerIds: readonly string[],
): { outbox: Outbox; links: Map<string, StubLink> } {
  const links = new Map(peerIds.map((id) => [id, new StubLink(clock)]));
  const connected = (peerId: string): SendingPeer => {
    const media = links.get(peerId);
    // The port only has to be there: the stub sends by itself.
    const audio = { level: "packet", payloadType: 111 } as NonNullable<SendingPeer["live"]["link"]["audio"]>;
    return { live: { media, channels: undefined, link: { audio } } };
  };
  const mesh = {
    connected,
    peers: () => [...links.keys()].map((remoteId) => ({ remoteId, active: connected(remoteId) })),
  };
  const emitter = new Emitter<TransportEvents>(() => undefined);
  const outgoing = codec && new OutgoingAudio({ clock, audio: AUDIO, codec, emitter });
  return { outbox: new Outbox({ mesh, clock, outgoing, video: undefined }), links };
}
