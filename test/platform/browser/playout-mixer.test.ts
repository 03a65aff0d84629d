import { expect, it } from "vitest";
import { PlayoutMixer } from "../../../src/platform/browser/playout-mixer.ts";

const RATE = 48_000;
const block = (value: number): Float32Array => new Float32Array(9600).fill(value);
const outputs = (channels: number): Float32Array[] =>
  Array.from({ length: channels }, () => new Float32Array(128).fill(9));

function settled(mixer: PlayoutMixer, channels = 2): number[] {
  let last: Float32Array[] = [];
  for (let count = 0; count < 20; count++) {
    last = outputs(channels);
    mixer.render(last);
  }
  return last.map((output) => Number(output.at(-1)?.toFixed(6)));
}

it("plays silence without peers", () => {
  expect(settled(new PlayoutMixer(RATE, 20))).toEqual([0, 0]);
});

it("adds the peers up, each with its own gain, set before or after its first samples", () => {
  const mixer = new PlayoutMixer(RATE, 0);
  mixer.setGain("alice", 0.5);
  mixer.push("alice", block(0.2), 1, RATE);
  mixer.push("bob", block(0.3), 1, RATE);
  mixer.setGain("bob", 2);
  expect(settled(mixer)).toEqual([0.7, 0.7]);
});

it("forgets a peer that was removed, and its gain", () => {
  const mixer = new PlayoutMixer(RATE, 0);
  mixer.push("alice", block(0.2), 1, RATE);
  mixer.setGain("alice", 0);
  mixer.remove("alice");
  mixer.push("alice", block(0.2), 1, RATE);
  expect(settled(mixer)).toEqual([0.2, 0.2]);
});

it("plays the mean of both channels where the output has one", () => {
  const mixer = new PlayoutMixer(RATE, 0);
  mixer.push(
    "alice",
    Float32Array.from({ length: 9600 }, (_, at) => (at % 2 === 0 ? 0.2 : 0.6)),
    2,
    RATE,
  );
  expect(settled(mixer, 1)).toEqual([0.4]);
  expect(() => mixer.render([])).not.toThrow();
});

it("counts by peer", () => {
  const mixer = new PlayoutMixer(RATE, 20);
  mixer.push("alice", block(0.2), 1, RATE);
  mixer.push("bob", block(0.2), 2, RATE);
  expect(mixer.stats()).toEqual({
    alice: { fillMs: 200, targetMs: 20, playedMs: 0, underruns: 0, droppedMs: 0 },
    bob: { fillMs: 100, targetMs: 20, playedMs: 0, underruns: 0, droppedMs: 0 },
  });
});
