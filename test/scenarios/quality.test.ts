import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { ConnectionQualityMetrics } from "../../src/peer/quality.ts";
import type { JsonObject } from "../../src/runtime/data.ts";
import type { Logger } from "../../src/runtime/logger.ts";
import type { TransportEvents } from "../../src/transport/events.ts";
import type { PeerStatsEntry } from "../../src/transport/stats-report.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { speak, WARM_UP_TIMEOUT_MS, World } from "./world.ts";

const SEED = 17;

let world: World;

beforeAll(() => World.warmUp(), WARM_UP_TIMEOUT_MS);

afterEach(async () => {
  expect(await world.close(), "left over after shutdown").toEqual({ openLinks: 0, pendingTimers: 0 });
});

/** Alice and Bob, connected; reports every second or so. */
async function pair(logger?: Logger): Promise<[WebRtcTransport, WebRtcTransport]> {
  world = World.open({ seed: SEED, link: { delayMs: 20 } });
  const logged = logger === undefined ? {} : { logger, logLevel: "info" as const };
  const alice = world.transport("alice", { rtcpIntervalMs: 1_000, ...logged });
  const bob = world.transport("bob", { rtcpIntervalMs: 1_000 });
  await world.clock.until(alice.start());
  await world.clock.until(bob.start());
  await world.clock.run(1_000);
  return [alice, bob];
}

function collected<Name extends keyof TransportEvents>(
  transport: WebRtcTransport,
  name: Name,
): TransportEvents[Name][] {
  const values: TransportEvents[Name][] = [];
  transport.on(name, (value) => values.push(value));
  return values;
}

describe(`the quality of a connection (seed ${SEED})`, () => {
  it("is told every second, and shown by the transport in between", { timeout: 60_000 }, async () => {
    const [alice, bob] = await pair();
    const told = collected(alice, "metrics");
    speak(world, alice, 599);
    speak(world, bob, 599, 2);
    await world.clock.run(12_000);
    expect(told.length).toBeGreaterThanOrEqual(11);
    expect(told.length).toBeLessThanOrEqual(13);
    expect(new Set(told.map(({ peerId }) => peerId))).toEqual(new Set(["bob"]));
    const metrics = alice.getConnectionMetrics("bob");
    expect(metrics).toBe(told.at(-1)?.metrics);
    expect(alice.getPeer("bob").metrics).toBe(metrics);
    expect(alice.listPeers()[0]?.metrics).toBe(metrics);
    expect(metrics).toMatchObject({ packetLossRate: 0, inboundLossRate: 0, packetsLost: 0 });
    expect(metrics.latencyMs).toBeGreaterThan(39);
    expect(metrics.latencyMs).toBeLessThan(42);
    expect(metrics.packetsSent).toBeGreaterThan(500);
    expect(metrics.packetsReceived).toBeGreaterThan(500);
    expect(metrics.audioBitrateKbps).toBeGreaterThan(10);
    expect(metrics.bandwidthKbps).toBeGreaterThan(2 * metrics.audioBitrateKbps);
    expect(metrics.score).toBeGreaterThan(95);
    expect(metrics.updatedAt).toBeGreaterThan(world.clock.wallNow() - 1_001);
  });

  it(
    "becomes unacceptable on a bad path, for both sides, and acceptable again",
    { timeout: 60_000 },
    async () => {
      const [alice, bob] = await pair();
      const changes = [alice, bob].map((transport) => collected(transport, "qualityChange"));
      // Only Alice speaks: Bob hears of the loss himself, Alice from Bob's reports.
      speak(world, alice, 1_190);
      await world.clock.run(2_000);
      expect(changes).toEqual([[], []]);
      for (const [from, to] of [
        ["alice", "bob"],
        ["bob", "alice"],
      ] as const) {
        world.network.setLink(from, to, { delayMs: 250, loss: 0.15 });
      }
      await world.clock.run(8_000);
      for (const change of changes) expect(change.map(({ acceptable }) => acceptable)).toEqual([false]);
      expect(changes[0]?.[0]).toMatchObject({ peerId: "bob" });
      expect(changes[0]?.[0]?.score).toBeLessThan(50);
      expect(alice.getConnectionMetrics("bob").packetLossRate).toBeGreaterThan(0.04);
      expect(alice.getConnectionMetrics("bob").inboundLossRate).toBe(0);
      expect(bob.getConnectionMetrics("alice").inboundLossRate).toBeGreaterThan(0.05);
      expect(bob.getConnectionMetrics("alice").packetsLost).toBeGreaterThan(20);
      world.network.setLink("alice", "bob", { delayMs: 20 });
      world.network.setLink("bob", "alice", { delayMs: 20 });
      await world.clock.run(14_000);
      for (const change of changes) expect(change.map(({ acceptable }) => acceptable)).toEqual([false, true]);
      expect(changes[1]?.[1]?.score).toBeGreaterThanOrEqual(55);
    },
  );

  it("is logged every ten seconds with the peer's id", async () => {
    const lines: JsonObject[] = [];
    const logger: Logger = {
      debug: () => undefined,
      info: (message, fields) => {
        if (message === "connection quality") lines.push(fields);
      },
      warn: () => undefined,
      error: () => undefined,
    };
    await pair(logger);
    await world.clock.run(31_000);
    expect(lines).toHaveLength(3);
    for (const line of lines)
      expect(line).toMatchObject({ peerId: "alice", remotePeerId: "bob", score: 100 });
  });

  it("belongs to connected peers only", async () => {
    const [alice, bob] = await pair();
    expect(() => alice.getConnectionMetrics("carol")).toThrow(
      expect.objectContaining({ code: "PEER_NOT_FOUND" }),
    );
    const told = collected(alice, "metrics");
    await world.clock.until(bob.shutdown());
    await world.clock.run(100);
    expect(() => alice.getConnectionMetrics("bob")).toThrow(
      expect.objectContaining({ code: "PEER_NOT_FOUND" }),
    );
    told.length = 0;
    await world.clock.run(3_000);
    expect(told).toEqual([]);
    await world.clock.until(alice.shutdown());
    expect(() => alice.getConnectionMetrics("bob")).toThrow(
      expect.objectContaining({ code: "ALREADY_SHUTDOWN" }),
    );
  });

  it("is known as soon as the peer is, and unknown while it is connecting", async () => {
    world = World.open({ seed: SEED, link: { delayMs: 20 } });
    const alice = world.transport("alice");
    const bob = world.transport("bob");
    const codes: string[] = [];
    const known: (ConnectionQualityMetrics | null)[] = [];
    alice.on("peerConnected", ({ peerId }) => known.push(alice.getPeer(peerId).metrics));
    await world.clock.until(alice.start());
    await world.clock.until(bob.start());
    for (let step = 0; step < 500 && known.length === 0; step++) {
      await world.clock.run(2);
      if (alice.listPeers({ all: true }).length === 0 || alice.listPeers().length > 0) continue;
      expect(alice.getPeer("bob").metrics).toBe(null);
      try {
        alice.getConnectionMetrics("bob");
      } catch (error) {
        codes.push((error as { code: string }).code);
      }
    }
    expect(new Set(codes)).toEqual(new Set(["PEER_NOT_CONNECTED"]));
    expect(known).toMatchObject([{ score: 100, latencyMs: null }]);
  });
});

describe("the report in the words of the W3C", () => {
  it("tells what both sides sent and received", { timeout: 60_000 }, async () => {
    const [alice, bob] = await pair();
    speak(world, alice, 400);
    speak(world, bob, 400, 2);
    await alice.sendDataChannelMessage("bob", { type: "text", payload: "hello" });
    await world.clock.run(9_000);
    const [report] = alice.stats().peers.map((peer) => peer.report);
    if (report === undefined) throw new Error("no report");
    const find = <Type extends PeerStatsEntry["type"]>(type: Type, label?: string) =>
      report.find(
        (entry): entry is Extract<PeerStatsEntry, { type: Type }> =>
          entry.type === type && (label === undefined || ("label" in entry && entry.label === label)),
      );
    const [heard] = bob.stats().peers.map((peer) => peer.audio);
    expect(find("outbound-rtp")).toMatchObject({ kind: "audio", ssrc: heard?.inbound.ssrc });
    expect(find("outbound-rtp")?.packetsSent).toBe(heard?.inbound.packetsReceived);
    expect(find("inbound-rtp")).toMatchObject({ kind: "audio", packetsLost: 0, packetsDiscarded: 0 });
    expect(find("inbound-rtp")?.packetsReceived).toBeGreaterThan(350);
    expect(find("inbound-rtp")?.jitter).toBeLessThan(0.005);
    expect(find("candidate-pair")).toMatchObject({ nominated: true, currentRoundTripTime: 0.04 });
    expect(find("candidate-pair")?.bytesSent).toBeGreaterThan(find("outbound-rtp")?.bytesSent ?? Infinity);
    expect(find("data-channel", "data")).toMatchObject({ state: "open", messagesSent: 1 });
    for (const entry of report) expect(entry.timestamp).toBe(world.clock.wallNow());
    expect(new Set(report.map(({ id }) => id)).size).toBe(report.length);
  });
});
