// What it costs to send 20 ms of audio to several peers: encoded once and given to every link, against once for each of
// them. Real encoder, real packets and reports; the ports copy what they get and send nothing.
import { loadOpus } from "../../src/codecs/opus.ts";
import type { OpusCodec } from "../../src/codecs/opus.ts";
import type { MediaEngine } from "../../src/media/engine/engine.ts";
import { PeerMedia } from "../../src/media/media.ts";
import type { PacketAudioPort } from "../../src/platform/platform.ts";
import type { AudioData } from "../../src/runtime/data.ts";
import { Emitter } from "../../src/runtime/emitter.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import type { TransportEvents } from "../../src/transport/events.ts";
import { Outbox } from "../../src/transport/outbox.ts";
import { OutgoingAudio } from "../../src/transport/outgoing-audio.ts";
import type { SendingPeer } from "../../src/transport/outbox.ts";
import { AUDIO, counted } from "../../test/transport/stub-links.ts";
import { voice } from "../../test/media/signals.ts";
import type { Bench, BenchCase, Figure } from "../bench.ts";

const PEERS = [1, 3, 10];
const FRAMES = 50;
const FRAME_MS = 20;
const MAX_US_PER_PEER = 25;
/** Rounds that are measured, and those before them that are not. */
const ROUNDS = 60;
const WARM_UP_ROUNDS = 20;
const MAX_PACKET_BYTES = 1_500;

/** Blocks of a second of speech; stamped so that each leaves as soon as it is there. */
class Speaker {
  readonly clock = new VirtualClock();
  readonly outbox: Outbox;
  readonly counts = { made: 0, encodes: 0, freed: 0 };
  readonly peerIds: readonly string[];
  bytesSent = 0;
  readonly #signal = voice((FRAMES * FRAME_MS) / 1000, 48_000);

  constructor(codec: OpusCodec, count: number) {
    this.peerIds = Array.from({ length: count }, (_, i) => `peer-${i}`);
    const links = new Map(this.peerIds.map((id, i) => [id, this.#link(id, i)]));
    const connected = (peerId: string): SendingPeer => links.get(peerId) as SendingPeer;
    const mesh = {
      connected,
      peers: () => this.peerIds.map((remoteId) => ({ remoteId, active: connected(remoteId) })),
    };
    const audio = { ...AUDIO, complexity: 10, fec: true };
    const emitter = new Emitter<TransportEvents>(() => undefined);
    const { clock } = this;
    const outgoing = new OutgoingAudio({ clock, audio, codec: counted(codec, this.counts), emitter });
    this.outbox = new Outbox({ mesh, clock, outgoing, video: undefined });
  }

  /** Say all blocks once, each by `send`. @returns how many */
  async say(send: (outbox: Outbox, data: AudioData) => Promise<unknown>): Promise<number> {
    for (let i = 0; i < FRAMES; i++) {
      this.clock.advance(FRAME_MS);
      const samples = this.#signal.subarray(i * 48 * FRAME_MS, (i + 1) * 48 * FRAME_MS);
      const timestampUs = (this.clock.wallNow() - 2 * FRAME_MS) * 1000;
      await send(this.outbox, { type: "audio", samples, sampleRate: 48_000, channels: 1, timestampUs });
    }
    return FRAMES;
  }

  #link(peerId: string, ssrc: number): SendingPeer {
    const random = new SeededRandom(ssrc);
    const media = new PeerMedia({
      peerId,
      clock: this.clock,
      audio: AUDIO,
      rtcpIntervalMs: 5_000,
      ssrc: ssrc + 1,
      cname: "bench",
      randomBytes: (length) => random.bytes(length),
      // Nothing is received.
      engine: { openStream: () => ({}) } as unknown as MediaEngine,
      onFrame: () => undefined,
      onPicture: () => undefined,
      onSent: () => undefined,
      onSyncState: () => undefined,
      onFault: (error) => {
        throw error;
      },
    });
    const buffer = new Uint8Array(MAX_PACKET_BYTES);
    const take = (packet: Uint8Array): boolean => {
      buffer.set(packet);
      this.bytesSent += packet.length;
      return true;
    };
    const audio: PacketAudioPort = {
      level: "packet",
      payloadType: 111,
      captureTimeId: 1,
      sendRtp: take,
      sendRtcp: take,
    };
    media.attach(audio);
    return { live: { media, channels: undefined, link: { audio } } };
  }
}

const broadcast = (outbox: Outbox, data: AudioData): Promise<unknown> => outbox.broadcast(data, {});

async function cases(): Promise<BenchCase[]> {
  const codec = await loadOpus();
  return PEERS.map((count) => {
    const [shared, single] = [new Speaker(codec, count), new Speaker(codec, count)];
    return {
      name: `20 ms of audio to ${count} ${count === 1 ? "peer" : "peers"}`,
      ours: { name: "broadcast()", run: () => shared.say(broadcast) },
      baseline: {
        name: "sendToPeer() to each",
        run: () =>
          single.say((outbox, data) =>
            Promise.all(single.peerIds.map((id) => outbox.sendToPeer(id, data, {}))),
          ),
      },
    };
  });
}

/** What every further peer adds to a broadcast, from rounds with few and many, turn about. */
async function figures(wants: (name: string) => boolean): Promise<Figure[]> {
  const name = "each further peer of a broadcast, per frame";
  if (!wants(name)) return [];
  const codec = await loadOpus();
  const [few, many] = [new Speaker(codec, 1), new Speaker(codec, 10)];
  const times: number[][] = [[], []];
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const [i, speaker] of [few, many].entries()) {
      const beganMs = performance.now();
      await speaker.say(broadcast);
      if (round >= 0) times[i]?.push(((performance.now() - beganMs) * 1000) / FRAMES);
    }
  }
  const [fewUs = NaN, manyUs = NaN] = times.map(lowDecile);
  const ours = (manyUs - fewUs) / (many.peerIds.length - few.peerIds.length);
  return [{ name, unit: "us", ours, baselines: [], goal: { atMost: MAX_US_PER_PEER } }];
}

/** Time that others took on the machine comes on top of ours: the fast rounds have least of it. */
function lowDecile(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 10)] ?? NaN;
}

export default { runtimes: ["node"], cases, figures } satisfies Bench;
