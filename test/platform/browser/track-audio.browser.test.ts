import { expect, it } from "vitest";
import type { TransportError } from "../../../src/errors/errors.ts";
import { TrackAudio } from "../../../src/platform/browser/track-audio.ts";
import type {
  AudioTrackGenerator,
  AudioTrackGeneratorClass,
} from "../../../src/platform/browser/web-types.ts";

const BLOCK = new Float32Array(960);

/** A generator whose reader the test plays. */
function generatorClass(sink: UnderlyingSink<AudioData>): {
  Generator: AudioTrackGeneratorClass;
  stopped: () => number;
} {
  let stops = 0;
  function Generator(): AudioTrackGenerator {
    const stop = (): void => void stops++;
    return { writable: new WritableStream(sink), stop } as AudioTrackGenerator;
  }
  return { Generator: Generator as unknown as AudioTrackGeneratorClass, stopped: () => stops };
}

function audio(Generator: AudioTrackGeneratorClass | undefined): {
  port: TrackAudio;
  faults: TransportError[];
} {
  const faults: TransportError[] = [];
  return { port: new TrackAudio(Generator, 64, (error) => faults.push(error as TransportError)), faults };
}

it("says once that samples cannot be sent where the browser has no generator, and what to do", () => {
  const { port, faults } = audio(undefined);
  port.write(BLOCK, 1, 0);
  port.write(BLOCK, 1, 20_000);
  expect(faults.map(({ code }) => code)).toEqual(["NOT_SUPPORTED"]);
  expect(faults[0]?.suggestion).toContain("useTrack()");
});

it("sends a microphone where the browser has no generator, without any fault", async () => {
  const connection = new RTCPeerConnection();
  const { sender } = connection.addTransceiver("audio");
  const { port, faults } = audio(undefined);
  await port.attach(sender);
  expect(sender.track).toBe(null);
  const [track] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
  await port.useTrack(track);
  expect(sender.track).toBe(track);
  port.write(BLOCK, 1, 0);
  await port.useTrack(null);
  expect(sender.track).toBe(null);
  expect(faults).toEqual([]);
  track?.stop();
  connection.close();
});

it("hands blocks on with their capture time on the page's clock", async () => {
  const blocks: AudioData[] = [];
  const { Generator } = generatorClass({ write: (block) => void blocks.push(block) });
  const { port } = audio(Generator);
  const stereo = Float32Array.from({ length: 960 }, (_, index) => (index % 2 === 0 ? 0.25 : -0.5));
  port.write(stereo, 2, performance.timeOrigin * 1000 + 5_000_000);
  await expect.poll(() => blocks.length).toBe(1);
  const [block] = blocks;
  expect(block).toMatchObject({
    numberOfFrames: 480,
    numberOfChannels: 2,
    sampleRate: 48_000,
    timestamp: 5_000_000,
  });
  const right = new Float32Array(480);
  block?.copyTo(right, { planeIndex: 1, format: "f32-planar" });
  expect(new Set(right)).toEqual(new Set([-0.5]));
});

it("drops blocks, with one fault, when the browser does not take them", () => {
  let taken = 0;
  const { Generator } = generatorClass({
    write: () => {
      taken++;
      return new Promise(() => undefined);
    },
  });
  const { port, faults } = audio(Generator);
  for (let count = 0; count < 200; count++) port.write(BLOCK, 1, count * 20_000);
  expect(taken).toBeLessThan(2);
  expect(faults.map(({ code }) => code)).toEqual(["MEDIA_TRACK_ERROR"]);
  port.close();
});

it("reports samples that were refused once", async () => {
  const { Generator } = generatorClass({ write: () => Promise.reject(new Error("refused")) });
  const { port, faults } = audio(Generator);
  port.write(BLOCK, 1, 0);
  port.write(BLOCK, 1, 20_000);
  await expect.poll(() => faults.length).toBeGreaterThan(0);
  expect(faults[0]).toMatchObject({ code: "MEDIA_TRACK_ERROR" });
});

it("frees its generated track on close, once, and takes nothing afterwards", async () => {
  let taken = 0;
  const { Generator, stopped } = generatorClass({ write: () => void taken++ });
  const { port, faults } = audio(Generator);
  port.write(BLOCK, 1, 0);
  port.close();
  port.close();
  port.write(BLOCK, 1, 20_000);
  await port.setBitrate(32);
  expect(stopped()).toBe(1);
  expect(taken).toBeLessThan(2);
  expect(faults).toEqual([]);
});

it("rejects with MEDIA_TRACK_ERROR what the sender refuses, and goes on", async () => {
  const [gone, alive] = [new RTCPeerConnection(), new RTCPeerConnection()];
  const { port } = audio(undefined);
  await port.attach(gone.addTransceiver("audio").sender);
  gone.close();
  await expect(port.useTrack(null)).rejects.toMatchObject({ code: "MEDIA_TRACK_ERROR" });
  const { sender } = alive.addTransceiver("audio");
  await port.attach(sender);
  await port.setBitrate(24);
  expect(sender.getParameters().encodings[0]?.maxBitrate).toBe(24_000);
  alive.close();
});
