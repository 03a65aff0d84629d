// Outgoing video in virtual time: simulated codecs, and whoever sends pictures 30 a second.
import { resolveConfig } from "../../src/config/config.ts";
import type { VideoConfig } from "../../src/config/config.ts";
import { TransportError } from "../../src/errors/errors.ts";
import type { VideoCodecName, VideoCodecs, VideoEncoderSettings } from "../../src/platform/video-codecs.ts";
import type { VideoData } from "../../src/runtime/data.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { SimulatedVideoCodecs } from "../../src/testing/simulated-video-codecs.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { OutgoingVideo } from "../../src/transport/outgoing-video.ts";
import type { OutgoingForm } from "../../src/transport/outgoing-video.ts";
import { gray } from "../media/video/pictures.ts";
import type { FakeSink } from "../media/video/pictures.ts";

export const FRAME_MS = 1000 / 30;

interface WorldOptions {
  video?: Partial<VideoConfig>;
  adaptive?: boolean;
  encodeMs?: number;
  /** How long codecs take to load. */
  loadMs?: number;
  refuse?: (codec: VideoCodecName, nowMs: number) => boolean;
}

export function videoWorld(options: WorldOptions = {}) {
  const { video = {}, adaptive = true, encodeMs = 4, loadMs = 0, refuse = () => false } = options;
  const clock = new VirtualClock();
  const random = new SeededRandom(7);
  const told: [event: string, message: string][] = [];
  const made: VideoEncoderSettings[] = [];
  const changes: [nowMs: number, changed: Partial<VideoEncoderSettings>][] = [];
  const inner = new SimulatedVideoCodecs({ clock, encodeMs });
  const createEncoder: VideoCodecs["createEncoder"] = async (settings, events) => {
    made.push(settings);
    if (refuse(settings.codec, clock.now())) throw new TransportError("NOT_SUPPORTED", "out of order");
    const encoder = await inner.createEncoder(settings, events);
    const configure = encoder.configure.bind(encoder);
    encoder.configure = (changed) => {
      changes.push([clock.now(), changed]);
      configure(changed);
    };
    return encoder;
  };
  const codecs = Object.assign(Object.create(inner) as VideoCodecs, { createEncoder });
  const outgoing = new OutgoingVideo({
    clock,
    video: { ...resolveConfig({ video }).video },
    adaptive,
    loadCodecs: () => new Promise((resolve) => clock.setTimer(clock.now() + loadMs, () => resolve(codecs))),
    random: () => random.integer(0, 0xffff_ffff),
    emitter: {
      emit: (event, value) => void told.push([event, (value as { message: string }).message]),
    },
  });
  let sent = 0;
  /** Send pictures 30 a second. Returns what settled how. */
  const play = async (
    count: number,
    sinks: readonly FakeSink[],
    change: Partial<VideoData> = {},
  ): Promise<string[]> => {
    const results: string[] = [];
    for (let i = 0; i < count; i++) {
      const data = { ...gray(10 + (sent % 200)), timestampUs: clock.wallNow() * 1000, ...change };
      sent++;
      outgoing.send(data, sinks).then(
        (failures) =>
          void results.push(failures.size === 0 ? "ok" : `failed: ${[...failures.keys()].join()}`),
        (error: TransportError) => void results.push(error.code),
      );
      await clock.run(FRAME_MS);
    }
    return results;
  };
  /** Send each picture in several forms to different links, 30 pictures a second. */
  const playForms = async (
    count: number,
    forms: readonly (readonly [sinks: readonly FakeSink[], form: OutgoingForm])[],
  ): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const data = { ...gray(10 + (sent % 200)), timestampUs: clock.wallNow() * 1000 };
      sent++;
      for (const [sinks, form] of forms) void outgoing.send(data, sinks, form);
      await clock.run(FRAME_MS);
    }
  };
  return { clock, outgoing, told, made, changes, play, playForms };
}

/** A name so many times. */
export const only = (name: string, count: number): string[] => Array.from({ length: count }, () => name);
