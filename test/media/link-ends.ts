// Two programs and a path between them, in virtual time, with real codecs.
import { loadOpus } from "../../src/codecs/opus.ts";
import type { OpusCodec, OpusEncoder } from "../../src/codecs/opus.ts";
import type { TransportError } from "../../src/errors/errors.ts";
import type { LiveAudioFrame, MediaEngine } from "../../src/media/engine/engine.ts";
import { InlineEngine } from "../../src/media/engine/inline-engine.ts";
import { PeerMedia } from "../../src/media/media.ts";
import type { AudioOptions, PeerMediaOptions } from "../../src/media/media.ts";
import type { PacketAudioPort } from "../../src/platform/platform.ts";
import type { AudioData } from "../../src/runtime/data.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import type { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { VOICE } from "../codecs/voice-encoder.ts";
import { concat } from "./signals.ts";

export const AUDIO: AudioOptions = { ...VOICE, fec: true };
export const ONE_WAY_MS = 15;

export const codec: OpusCodec = await loadOpus();

/** One end of a link, with what it has heard and complained of. */
export interface End {
  media: PeerMedia;
  engine: MediaEngine;
  heard: LiveAudioFrame[];
  faults: TransportError[];
  rtcp: Uint8Array[];
}

export function end(clock: VirtualClock, ssrc: number, options: Partial<PeerMediaOptions> = {}): End {
  const random = new SeededRandom(ssrc);
  const heard: LiveAudioFrame[] = [];
  const faults: TransportError[] = [];
  const engine = options.engine ?? plainEngine(clock, options.audio?.channels ?? 1);
  const media = new PeerMedia({
    peerId: `peer-${ssrc}`,
    clock,
    audio: AUDIO,
    rtcpIntervalMs: 1000,
    ssrc,
    cname: `cname-${ssrc}`,
    randomBytes: (length) => Uint8Array.from({ length }, () => random.integer(0, 255)),
    engine,
    onFrame: (frame) => heard.push({ ...frame, samples: frame.samples.slice() }),
    onPicture: () => undefined,
    onSent: () => undefined,
    onSyncState: () => undefined,
    onFault: (error) => faults.push(error),
    ...options,
  });
  return { media, engine, heard, faults, rtcp: [] };
}

/** A fixed delay and no correction: what comes out is what was decoded. */
export function plainEngine(clock: VirtualClock, channels: 1 | 2, decoders: OpusCodec = codec): MediaEngine {
  const sync = { jitterBufferSizeMs: 60, mode: "fixed", enableClockDriftCorrection: false } as const;
  return new InlineEngine({
    config: { channels, sync, wallOffsetMs: clock.wallNow() - clock.now() },
    clock,
    codec: decoders,
  });
}

/** A port whose packets reach `to` one way later, unless `lose` says so. */
export function port(clock: VirtualClock, to: End, lose: () => boolean = () => false): PacketAudioPort {
  const later = (action: () => void): void => void clock.setTimer(clock.now() + ONE_WAY_MS, action);
  return {
    level: "packet",
    payloadType: 111,
    captureTimeId: 0,
    sendRtp: (packet) => {
      if (!lose()) later(() => to.media.receiveRtp(packet, clock.now()));
      return true;
    },
    sendRtcp: (packet) => {
      to.rtcp.push(packet);
      later(() => to.media.receiveRtcp(packet, clock.now()));
      return true;
    },
  };
}

export function connected(
  clock: VirtualClock,
  lose?: () => boolean,
  options?: Partial<PeerMediaOptions>,
): [End, End] {
  const [alice, bob] = [end(clock, 0xa, options), end(clock, 0xb, options)];
  alice.media.attach(port(clock, bob, lose));
  bob.media.attach(port(clock, alice));
  return [alice, bob];
}

export function audio(samples: Float32Array, rest: Partial<AudioData> = {}): AudioData {
  return { type: "audio", samples, sampleRate: 48_000, channels: 1, ...rest };
}

export function samplesOf(heard: readonly LiveAudioFrame[]): Float32Array {
  return concat(heard.map(({ samples }) => samples));
}

/** What encoders were asked for, in order. */
export interface EncoderLog {
  encodes: number;
  losses: number[];
  bitrates: number[];
  bandwidths: number[];
}

/** A codec whose encoders note what is asked of them. */
export function watched(log: EncoderLog): OpusCodec {
  return {
    ...codec,
    createEncoder: async (options) => {
      log.bandwidths.push(options.bandwidthRate ?? 0);
      const encoder = await codec.createEncoder(options);
      const watchedEncoder: Pick<OpusEncoder, "encode" | "setPacketLoss" | "setBitrate" | "free"> = {
        encode: (samples) => {
          log.encodes++;
          return encoder.encode(samples);
        },
        setPacketLoss: (loss) => {
          log.losses.push(loss);
          encoder.setPacketLoss(loss);
        },
        setBitrate: (kbps) => {
          log.bitrates.push(kbps);
          encoder.setBitrate(kbps);
        },
        free: () => encoder.free(),
      };
      return watchedEncoder as OpusEncoder;
    },
  };
}

export function newLog(): EncoderLog {
  return { encodes: 0, losses: [], bitrates: [], bandwidths: [] };
}
