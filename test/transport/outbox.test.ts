import { beforeAll, describe, expect, it, vi } from "vitest";
import { loadOpus } from "../../src/codecs/opus.ts";
import type { OpusCodec } from "../../src/codecs/opus.ts";
import type { AudioData } from "../../src/runtime/data.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { tone } from "../media/signals.ts";
import { counted, outboxOf } from "./stub-links.ts";
import type { StubLink } from "./stub-links.ts";

vi.setConfig({ testTimeout: 30_000 }); // Real encoders; a busy machine takes its time.

const PEERS = [..."abcdefghij"];

let codec: OpusCodec;

beforeAll(async () => {
  codec = await loadOpus();
}, 60_000);

function room(peerIds: readonly string[] = PEERS) {
  const clock = new VirtualClock();
  const counts = { made: 0, encodes: 0, freed: 0 };
  const { outbox, links } = outboxOf(clock, counted(codec, counts), peerIds);
  const link = (peerId: string): StubLink => links.get(peerId) as StubLink;
  return { clock, counts, outbox, links, link };
}

/** A block whose every sample names it. */
function block(name: number, ms = 20, timestampUs?: number): AudioData {
  const samples = new Float32Array(ms * 48).fill(name / 1000);
  return {
    type: "audio",
    samples,
    sampleRate: 48_000,
    channels: 1,
    ...(timestampUs !== undefined && { timestampUs }),
  };
}

const namesOf = (link: StubLink): number[] =>
  link.samples.map((samples) => Math.round((samples[0] ?? 0) * 1000));

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe("audio to several peers", () => {
  it.each([1, 3, 10])("is encoded once per frame for %d of them", async (count) => {
    const { clock, counts, outbox, links } = room(PEERS.slice(0, count));
    const samples = tone(440, 1, 48_000);
    const sent = outbox.broadcast({ type: "audio", samples, sampleRate: 48_000, channels: 1 }, {});
    await clock.run(1_500);
    expect(await sent).toMatchObject({ sentCount: count, failedCount: 0 });
    expect(counts).toEqual({ made: 1, encodes: 50, freed: 0 });
    for (const { packets, steps } of links.values()) {
      expect(packets).toHaveLength(50);
      expect(new Set(steps)).toEqual(new Set([960]));
    }
    outbox.close();
  });

  it("leaves at its own time for every group, not one group behind the other", async () => {
    const { clock, counts, outbox, links, link } = room();
    const groups = [["a"], ["b"], ["c", "d", "e"], ["f", "g", "h", "i", "j"]];
    for (let i = 0; i < 100; i++) {
      for (const only of groups) void outbox.broadcast(block(i), { only });
      await clock.run(20);
    }
    expect(counts).toEqual({ made: 4, encodes: 400, freed: 0 });
    for (const each of links.values()) {
      expect(namesOf(each)).toEqual(upTo(100));
      expect(each.packets.at(-1)?.atMs).toBe(99 * 20);
    }
    expect(link("a").packets.map(({ atMs }) => atMs)).toEqual(upTo(100).map((i) => i * 20));
    outbox.close();
  });

  it("keeps its encoder while a group changes by one, and frees it when the group is gone", async () => {
    const { clock, counts, outbox, link } = room();
    let i = 0;
    const turn = async (...groups: string[]): Promise<void> => {
      for (const only of groups) void outbox.broadcast(block(i), { only: [...only] });
      i++;
      await clock.run(20);
    };
    await turn("abcdefghij");
    await turn("bcdefghij", "a");
    await turn("cdefghij", "a", "b");
    expect(counts.made).toBe(3);
    await turn("acdefghij", "b");
    await turn("abcdefghij");
    await turn("abcdefghij");
    expect(counts).toMatchObject({ made: 3, freed: 2 });
    for (const peerId of PEERS) {
      expect(namesOf(link(peerId))).toEqual(upTo(6));
      expect(new Set(link(peerId).steps)).toEqual(new Set([960]));
    }
    for (const peerId of PEERS) outbox.release(peerId);
    expect(counts.freed).toBe(3);
    await clock.run(100);
    expect(clock.pending).toBe(0);
  });

  it("is neither lost nor repeated while groups change at random on one grid of stamps", async () => {
    const seed = 12;
    const random = new SeededRandom(seed);
    const { clock, counts, outbox, links } = room();
    const startUs = clock.wallNow() * 1000;
    for (let i = 0; i < 200; i++) {
      // Some speak and get a mix of their own; the others share one, and now and then it is two.
      const speakers = PEERS.filter(() => random.chance(0.2));
      const rest = PEERS.filter((peer) => !speakers.includes(peer));
      const split = random.chance(0.2) ? random.integer(0, rest.length) : 0;
      const groups = [...speakers.map((peer) => [peer]), rest.slice(0, split), rest.slice(split)];
      const timestampUs = startUs - 150_000 + i * 20_000;
      for (const only of groups) {
        if (only.length === 1 && random.chance(0.5)) {
          void outbox.sendToPeer(only[0] as string, block(i, 20, timestampUs), {});
        } else if (only.length > 0) void outbox.broadcast(block(i, 20, timestampUs), { only });
      }
      await clock.run(20 + random.integer(-8, 8));
    }
    await clock.run(500);
    for (const each of links.values()) {
      expect(namesOf(each), `seed ${seed}`).toEqual(upTo(200));
      expect(new Set(each.steps), `seed ${seed}`).toEqual(new Set([960]));
      expect(each.sender.counters.outdated, `seed ${seed}`).toBe(0);
    }
    expect(counts.made - counts.freed).toBeLessThanOrEqual(PEERS.length);
    outbox.close();
    expect(counts.freed).toBe(counts.made);
  });

  it("plays out what is queued before a new source takes over, also when it is much", async () => {
    const { clock, outbox, link, counts } = room();
    void outbox.sendToPeer("a", block(1, 200), {});
    await clock.run(10);
    void outbox.broadcast(block(2, 200), {});
    await clock.run(1_000);
    expect(namesOf(link("a"))).toEqual([...Array<number>(10).fill(1), ...Array<number>(10).fill(2)]);
    expect(new Set(link("a").steps)).toEqual(new Set([960]));
    expect(counts).toMatchObject({ made: 2, freed: 1 });
    outbox.close();
  });

  it("keeps the order of blocks that come while the encoder is being made", async () => {
    const { clock, outbox, link } = room(["a"]);
    for (let i = 0; i < 20; i++) {
      void outbox.sendToPeer("a", block(i), {});
      await Promise.resolve();
    }
    await clock.run(1_000);
    expect(namesOf(link("a"))).toEqual(upTo(20));
    expect(link("a").packets[0]?.atMs).toBe(0);
    outbox.close();
  });

  it("is told as failed when all it was for have gone while it waited", async () => {
    const { clock, outbox } = room(["a", "b"]);
    const sent = outbox.broadcast(block(1, 5_000), {});
    await clock.run(100);
    outbox.release("a");
    await clock.run(100);
    outbox.release("b");
    const stats = await clock.until(sent);
    expect(stats).toMatchObject({ totalPeers: 2, sentCount: 0, failedCount: 2 });
    expect(stats.failedPeers[0]?.error.code).toBe("PEER_NOT_CONNECTED");
  });
});

describe("flush()", () => {
  it("drops what is queued for anybody, settles what waits, and starts anew", async () => {
    const { clock, outbox, link } = room();
    const startUs = clock.wallNow() * 1000;
    const sends = [
      outbox.sendToPeer("a", block(500, 3_000, startUs), {}),
      outbox.broadcast(block(500, 2_000, startUs), { only: ["b", "c", "d"] }),
      outbox.broadcast(block(500, 20, startUs), { only: ["e"] }),
    ];
    await clock.run(499);
    const result = await outbox.flush("default", {});
    await Promise.all(sends);
    expect((result.sentUntilUs as number) - startUs).toBeCloseTo(510_000, -3);
    expect(((result.sentUntilUs as number) - startUs) / 1000 + result.droppedMs).toBeCloseTo(3_000, 1);
    await clock.run(500);
    expect(link("a").packets).toHaveLength(26);
    expect(link("b").packets).toHaveLength(26);
    expect(link("e").packets).toHaveLength(1);
    expect(clock.pending).toBe(0);
    void outbox.sendToPeer("a", block(7, 20, startUs + 1_234_000), {});
    await clock.run(10);
    expect(namesOf(link("a")).at(-1)).toBe(7);
    expect(link("a").steps.at(-1)).toBe((1_234 - 500) * 48);
    outbox.close();
  });

  it("reaches what waits for an encoder, and sources that only play out", async () => {
    const { clock, outbox, link } = room();
    void outbox.sendToPeer("a", block(1, 200), {});
    const early = outbox.flush("default", { fadeMs: 0 });
    expect(await early).toEqual({ sentUntilUs: null, droppedMs: 200 });
    void outbox.sendToPeer("a", block(1, 200), {});
    await clock.run(30);
    void outbox.broadcast(block(2, 200), {});
    await clock.run(30);
    const { droppedMs } = await outbox.flush("default", { fadeMs: 0 });
    await clock.run(1_000);
    expect(droppedMs).toBe(200);
    expect(namesOf(link("a"))).toEqual([1, 1, 1, 1]);
    expect(link("b").packets).toHaveLength(0);
    outbox.close();
  });

  it("names what is wrong, and does nothing when it is aborted before", async () => {
    const { clock, outbox, link } = room(["a"]);
    for (const fadeMs of [-1, 101, NaN, Infinity, "10" as unknown as number]) {
      await expect(outbox.flush("default", { fadeMs })).rejects.toMatchObject({
        code: "INVALID_DATA",
        message: expect.stringContaining("fadeMs") as string,
      });
    }
    await expect(outbox.flush("second", {})).rejects.toMatchObject({ code: "TRACK_NOT_FOUND" });
    await expect(outbox.drain("second", {})).rejects.toMatchObject({ code: "TRACK_NOT_FOUND" });
    const mute = outboxOf(clock, undefined, ["a"]).outbox;
    await expect(mute.flush("default", {})).rejects.toMatchObject({ code: "MEDIA_TRACK_ERROR" });
    void outbox.broadcast(block(1, 100), {});
    await clock.run(1);
    await expect(outbox.flush("default", { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: "ABORTED",
    });
    await clock.run(200);
    expect(link("a").packets).toHaveLength(5);
    outbox.close();
  });
});

describe("drain()", () => {
  it("resolves when the last frame has left, for all groups, at once when nothing is queued", async () => {
    const { clock, outbox, link } = room();
    await outbox.drain("default", {});
    let doneMs = NaN;
    void outbox.sendToPeer("a", block(1, 500), {});
    void outbox.broadcast(block(1, 810), { only: ["b", "c", "d"] });
    await clock.run(1);
    void outbox.drain("default", {}).then(() => (doneMs = clock.now()));
    await clock.run(2_000);
    expect(link("b").packets).toHaveLength(41);
    expect(doneMs).toBe(link("b").packets.at(-1)?.atMs);
    outbox.close();
  });

  it("ends with a flush after the fade, with its time, its signal, and the transport", async () => {
    const { clock, outbox, link } = room(["a"]);
    void outbox.sendToPeer("a", block(1, 500), {});
    await clock.run(1);
    const drained = outbox.drain("default", {});
    await expect(clock.until(outbox.drain("default", { timeoutMs: 5 }))).rejects.toMatchObject({
      code: "OPERATION_TIMEOUT",
    });
    const abort = new AbortController();
    const aborted = outbox.drain("default", { signal: abort.signal });
    abort.abort();
    await expect(aborted).rejects.toMatchObject({ code: "ABORTED" });
    void outbox.flush("default", {});
    await clock.until(drained);
    expect(link("a").packets).toHaveLength(2);
    void outbox.sendToPeer("a", block(1, 500), {}).catch(() => undefined);
    const ended = outbox.drain("default", {});
    outbox.close();
    await expect(ended).rejects.toMatchObject({ code: "ALREADY_SHUTDOWN" });
  });

  it("does not wait for audio of a peer that has gone", async () => {
    const { clock, outbox } = room(["a"]);
    const sent = outbox.sendToPeer("a", block(1, 5_000), {}).catch((error: unknown) => error);
    await clock.run(100);
    const drained = outbox.drain("default", {});
    outbox.release("a");
    await drained;
    expect(await sent).toMatchObject({ code: "PEER_NOT_CONNECTED", peerId: "a" });
  });
});
