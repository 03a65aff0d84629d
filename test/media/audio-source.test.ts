import { describe, expect, it, vi } from "vitest";
import type { OpusCodec, OpusEncoder } from "../../src/codecs/opus.ts";
import type { TransportError } from "../../src/errors/errors.ts";
import { AudioSource } from "../../src/media/audio-source.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { AUDIO, audio, codec, connected, end, port } from "./link-ends.ts";
import { voice } from "./signals.ts";

vi.setConfig({ testTimeout: 30_000 }); // Real encoders; a busy machine takes its time.

describe("a source of audio", () => {
  it("refuses bad data by naming the field", async () => {
    const source = new AudioSource({ clock: new VirtualClock(), audio: AUDIO, codec });
    await expect(source.send(audio(Float32Array.of(NaN)), [])).rejects.toMatchObject({
      code: "INVALID_DATA",
      message: expect.stringContaining("samples[0]") as string,
    });
  });

  it("lets sends wait beyond 200 ms, and refuses when too many wait", async () => {
    const clock = new VirtualClock();
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    const settled: string[] = [];
    for (let i = 0; i < 1100; i++) {
      source.send(audio(new Float32Array(960)), []).then(
        () => settled.push("sent"),
        (error: TransportError) => settled.push(error.code),
      );
    }
    await clock.run(1);
    expect(settled.filter((result) => result === "sent")).toHaveLength(11);
    expect(settled.filter((result) => result === "SEND_BUFFER_FULL")).toHaveLength(1100 - 1024 - 11);
    expect(source.queuedMs).toBe(200);
    source.close();
    await clock.run(1);
    expect(settled.filter((result) => result === "MEDIA_TRACK_ERROR")).toHaveLength(1024);
    await expect(source.send(audio(new Float32Array(960)), [])).rejects.toMatchObject({
      code: "MEDIA_TRACK_ERROR",
    });
    expect(clock.pending).toBe(0);
  });

  it("rejects when there can be no encoder, and tries again with the next send", async () => {
    const clock = new VirtualClock();
    const [alice] = connected(clock);
    let attempts = 0;
    const moody: OpusCodec = {
      ...codec,
      createEncoder: (options) =>
        attempts++ === 0 ? Promise.reject(new Error("out of memory")) : codec.createEncoder(options),
    };
    const source = new AudioSource({ clock, audio: AUDIO, codec: moody });
    const block = audio(voice(0.02, 48_000));
    await expect(source.send(block, [alice.media])).rejects.toMatchObject({ code: "ENCODING_ERROR" });
    await source.send(block, [alice.media]);
    await clock.run(100);
    expect(alice.media.stats().outbound.packetsSent).toBe(1);
    const closing = new AudioSource({ clock, audio: AUDIO, codec });
    const send = closing.send(block, [alice.media]);
    closing.close();
    await expect(send).rejects.toMatchObject({ code: "MEDIA_TRACK_ERROR" });
  });

  it("reports frames that cannot be encoded, and goes on", async () => {
    const clock = new VirtualClock();
    const [alice] = connected(clock);
    const faults: TransportError[] = [];
    let encodes = 0;
    const failing: OpusCodec = {
      ...codec,
      createEncoder: async (options) => {
        const encoder = await codec.createEncoder(options);
        const encode = (samples: Float32Array): Uint8Array => {
          if (encodes++ === 1) throw new Error("encoder");
          return encoder.encode(samples);
        };
        return {
          encode,
          setPacketLoss: () => undefined,
          free: () => encoder.free(),
        } as unknown as OpusEncoder;
      },
    };
    const onFault = (error: TransportError): number => faults.push(error);
    const source = new AudioSource({ clock, audio: AUDIO, codec: failing, onFault });
    await source.send(audio(voice(0.06, 48_000)), [alice.media]);
    await clock.run(100);
    expect(faults.map(({ code }) => code)).toEqual(["ENCODING_ERROR"]);
    expect(alice.media.stats().outbound.packetsSent).toBe(2);
  });

  it("tells of encodings over 10 ms", async () => {
    const clock = new VirtualClock();
    const [alice] = connected(clock);
    const slow: number[] = [];
    let nowMs = 0;
    // Every look at this clock takes 11 ms.
    const lazy = {
      now: () => (nowMs += 11),
      wallNow: () => 1_767_225_600_000 + nowMs,
      setTimer: (_: number, callback: () => void) => clock.setTimer(clock.now(), callback),
    };
    const onSlowEncode = (durationMs: number): number => slow.push(durationMs);
    const source = new AudioSource({ clock: lazy, audio: AUDIO, codec, onSlowEncode });
    await source.send(audio(voice(0.02, 48_000)), [alice.media]);
    expect(slow).toEqual([11]);
    source.close();
  });

  it("begins to encode with a later frame when its link became able to take packets after the send", async () => {
    const clock = new VirtualClock();
    const [alice, bob] = [end(clock, 1), end(clock, 2)];
    const source = new AudioSource({ clock, audio: AUDIO, codec });
    const sent = source.send(audio(voice(1, 48_000)), [alice.media]);
    await clock.run(500);
    alice.media.attach(port(clock, bob));
    await clock.run(1000);
    await sent;
    expect(alice.media.stats().outbound.packetsSent).toBeGreaterThan(20);
    expect(bob.heard.length).toBeGreaterThan(20);
  });
});
