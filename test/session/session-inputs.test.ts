import { describe, expect, it } from "vitest";
import { SessionCounters } from "../../src/session/session-counters.ts";
import { SessionInputs } from "../../src/session/session-inputs.ts";
import type { SessionInput } from "../../src/session/session-inputs.ts";
import { audio, coded, nameOf, picture, text } from "./session-fakes.ts";

function inputsOf(...peers: string[]) {
  const counters = new SessionCounters();
  const inputs = new SessionInputs("s1", counters);
  for (const peer of peers) {
    counters.attach(peer);
    inputs.attach(peer);
  }
  return { inputs, counters };
}

function takeAll(inputs: SessionInputs): SessionInput[] {
  const taken: SessionInput[] = [];
  for (let input = inputs.take(); input !== undefined; input = inputs.take()) taken.push(input);
  return taken;
}

const names = (taken: readonly SessionInput[]): string[] => taken.map(({ value }) => nameOf(value));

describe("SessionInputs", () => {
  it("keeps 200 ms of audio of a peer and drops the oldest, counted", () => {
    const { inputs, counters } = inputsOf("alice");
    for (let i = 0; i < 13; i++)
      expect(inputs.offer("alice", audio(20, i / 100), 0).type).not.toBe("waiting");
    expect(names(takeAll(inputs))).toEqual(
      [3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((i) => nameOf(audio(1, i / 100))),
    );
    expect(counters.snapshot()).toMatchObject({
      framesIn: 13,
      framesDropped: 3,
      drops: { full: 3 },
      kinds: { audio: { framesDropped: 3 } },
      peers: { alice: { framesIn: 13, framesDropped: 3 } },
    });
  });

  it("takes a block of audio that alone is longer than 200 ms", () => {
    const { inputs, counters } = inputsOf("alice");
    inputs.offer("alice", audio(20, 0.1), 0);
    expect(inputs.offer("alice", audio(300, 0.2), 0)).toEqual({ type: "taken" });
    expect(names(takeAll(inputs))).toEqual(["a0.20"]);
    expect(counters.snapshot().framesDropped).toBe(1);
  });

  it("bounds empty blocks of audio in number", () => {
    const { inputs } = inputsOf("alice");
    for (let i = 0; i < 10_000; i++) inputs.offer("alice", audio(0), 0);
    expect(inputs.length).toBe(400);
  });

  it("keeps 4 pictures of a peer and drops the oldest", () => {
    const { inputs, counters } = inputsOf("alice");
    for (let i = 0; i < 6; i++) inputs.offer("alice", picture(i), 0);
    expect(names(takeAll(inputs))).toEqual(["v2", "v3", "v4", "v5"]);
    expect(counters.snapshot().kinds.video.framesDropped).toBe(2);
  });

  it("drops coded pictures up to the next keyframe once one has been dropped", () => {
    const { inputs, counters } = inputsOf("alice");
    for (let i = 0; i < 5; i++) inputs.offer("alice", coded(i, i === 0), 0);
    expect(inputs.length).toBe(0);
    inputs.offer("alice", coded(5, false), 0);
    inputs.offer("alice", coded(6, true), 0);
    inputs.offer("alice", coded(7, false), 0);
    expect(names(takeAll(inputs))).toEqual(["v6", "v7"]);
    expect(counters.snapshot().drops).toMatchObject({ full: 1, awaitingKeyframe: 5 });
  });

  it("goes on with a keyframe that waits already, and with other streams", () => {
    const { inputs } = inputsOf("alice");
    inputs.offer("alice", coded(0, true), 0);
    inputs.offer("alice", coded(1, false), 0);
    inputs.offer("alice", coded(2, true), 0);
    inputs.offer("alice", coded(100, false, "screen"), 0);
    inputs.offer("alice", coded(3, false), 0);
    expect(names(takeAll(inputs))).toEqual(["v2", "v100", "v3"]);
  });

  it("keeps 64 others of a peer, and lets further ones wait in order", () => {
    const { inputs, counters } = inputsOf("alice");
    const offers = Array.from({ length: 66 }, (_, i) => inputs.offer("alice", text(`t${i}`), 0));
    expect(offers.slice(0, 64).every(({ type }) => type === "taken")).toBe(true);
    expect(offers.slice(64).map(({ type }) => type)).toEqual(["waiting", "waiting"]);
    expect(inputs.take()?.value.data).toEqual({ type: "text", text: "t0" });
    expect(inputs.admitted()).toEqual([(offers[64] as { ticket: number }).ticket]);
    expect(names(takeAll(inputs))).toEqual(Array.from({ length: 65 }, (_, i) => `t${i + 1}`));
    expect(inputs.admitted()).toEqual([(offers[65] as { ticket: number }).ticket]);
    expect(counters.snapshot().framesDropped).toBe(0);
  });

  it("keeps 32 MiB of others of a peer, however few they are", () => {
    const { inputs } = inputsOf("alice");
    const large = { data: { type: "binary" as const, data: new Uint8Array(16 * 1024 * 1024) }, metadata: {} };
    const types = Array.from({ length: 5 }, () => inputs.offer("alice", large, 0).type);
    expect(types).toEqual(["taken", "taken", "waiting", "waiting", "refused"]);
  });

  it("refuses what a peer sends when 1024 others wait already, counted", () => {
    const { inputs, counters } = inputsOf("alice");
    for (let i = 0; i < 64 + 1_024; i++) inputs.offer("alice", text(""), 0);
    expect(inputs.offer("alice", text(""), 0).type).toBe("refused");
    expect(counters.snapshot().drops.full).toBe(1);
    expect(inputs.offer("alice", audio(20), 0).type).toBe("taken");
  });

  it("lets everything of the program wait, media too", () => {
    const { inputs, counters } = inputsOf();
    const types = Array.from({ length: 11 }, () => inputs.offer(undefined, audio(20), 0).type);
    expect(types).toEqual([...Array<string>(10).fill("taken"), "waiting"]);
    expect(inputs.offer(undefined, text("behind"), 0).type).toBe("waiting");
    expect(names(takeAll(inputs))).toHaveLength(12);
    expect(counters.snapshot().framesDropped).toBe(0);
  });

  it("lets peers take turns", () => {
    const { inputs } = inputsOf("alice", "bob");
    for (let i = 0; i < 4; i++) inputs.offer("alice", text(`a${i}`), 0);
    inputs.offer("bob", text("b0"), 0);
    inputs.offer("bob", text("b1"), 0);
    inputs.offer(undefined, text("p0"), 0);
    expect(names(takeAll(inputs))).toEqual(["p0", "a0", "b0", "a1", "b1", "a2", "a3"]);
  });

  it("sets source_peer, session_id and sequence numbers of each peer, and keeps what was there", () => {
    const { inputs } = inputsOf("alice", "bob");
    inputs.offer("alice", text("", { source_peer: "mallory", room: "1" }), 5);
    inputs.offer("bob", text(""), 6);
    inputs.offer("alice", { ...text(""), sequence: 7 }, 7);
    inputs.offer("alice", text(""), 8);
    inputs.offer(undefined, text("", { source_peer: "carol" }), 9);
    const taken = takeAll(inputs);
    const marks = taken.map(({ value, arrivedMs }) => [
      value.metadata["source_peer"],
      value.sequence,
      arrivedMs,
    ]);
    expect(marks).toEqual([
      ["carol", 0, 9],
      ["alice", 0, 5],
      ["bob", 0, 6],
      ["alice", 7, 7],
      ["alice", 8, 8],
    ]);
    expect(taken[1]?.value.metadata).toEqual({ source_peer: "alice", room: "1", session_id: "s1" });
    expect(taken.every(({ value }) => value.metadata["session_id"] === "s1")).toBe(true);
  });

  it("drops media while paused, counted, and keeps other input until it is resumed", () => {
    const { inputs, counters } = inputsOf("alice");
    inputs.offer("alice", audio(20, 0.5), 0);
    inputs.pause();
    expect(inputs.offer("alice", audio(20), 0).type).toBe("dropped");
    expect(inputs.offer(undefined, audio(20), 0).type).toBe("dropped");
    expect(inputs.offer("alice", text("later"), 0).type).toBe("taken");
    expect(names(takeAll(inputs))).toEqual(["a0.50"]);
    inputs.resume();
    expect(names(takeAll(inputs))).toEqual(["later"]);
    expect(counters.snapshot().drops.paused).toBe(2);
  });

  it("awaits a keyframe after coded pictures were dropped in a pause", () => {
    const { inputs } = inputsOf("alice");
    inputs.offer("alice", coded(0, true), 0);
    inputs.pause();
    inputs.offer("alice", coded(1, false), 0);
    inputs.resume();
    for (let i = 2; i < 5; i++) inputs.offer("alice", coded(i, i === 3), 0);
    expect(names(takeAll(inputs))).toEqual(["v0", "v3", "v4"]);
  });

  it("lets what a leaving peer has sent go on, and nothing more of it", () => {
    const { inputs } = inputsOf("alice");
    for (let i = 0; i < 66; i++) inputs.offer("alice", text(`t${i}`), 0);
    inputs.detach("alice");
    expect(inputs.offer("alice", text("late"), 0).type).toBe("refused");
    expect(names(takeAll(inputs))).toHaveLength(66);
    inputs.attach("alice");
    expect(inputs.offer("alice", text("again"), 0).type).toBe("taken");
  });

  it("names those who wait when everything is dropped, and counts what is", () => {
    const { inputs, counters } = inputsOf("alice");
    const offers = Array.from({ length: 65 }, () => inputs.offer("alice", text(""), 0));
    expect(inputs.clear()).toEqual([(offers[64] as { ticket: number }).ticket]);
    expect(inputs.length).toBe(0);
    expect(counters.snapshot().drops.ended).toBe(65);
  });
});
