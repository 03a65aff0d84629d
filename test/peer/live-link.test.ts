import { expect, it } from "vitest";
import { encodeRequest, parseSyncMessage } from "../../src/channels/sync-messages.ts";
import { resolveConfig } from "../../src/config/config.ts";
import { LiveLink } from "../../src/peer/live-link.ts";
import type { PeerLink, PeerLinkEvents, PeerLinkOptions, Platform } from "../../src/platform/platform.ts";
import { SimulatedNetwork } from "../../src/testing/simulated-platform.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { FakePort } from "../channels/fake-port.ts";

/** A link that is never negotiated. */
function stubLink(channels: PeerLink["channels"]): PeerLink {
  const refuse = (): Promise<never> => Promise.reject(new Error("this link only has channels"));
  return {
    ...{ state: "new", channels, audio: undefined, video: undefined },
    ...{ createOffer: refuse, createAnswer: refuse, acceptAnswer: refuse, addCandidate: refuse },
    ...{ statistics: refuse, close: () => Promise.resolve() },
  };
}

/** A live link without audio over ports in the hands of the test. */
function setUp(enableDataChannel = true) {
  const clock = new VirtualClock();
  const platform = new SimulatedNetwork({ clock }).platform("alice");
  const ports = new Map(["control", "sync", "data"].map((label) => [label, new FakePort(label)]));
  const opened: { options: PeerLinkOptions; events: PeerLinkEvents }[] = [];
  const spied: Platform = {
    ...platform,
    openPeerLink: (options, events) => {
      opened.push({ options, events });
      return stubLink(enableDataChannel ? ports : new Map());
    },
  };
  const nothing = (): void => undefined;
  const faults: unknown[] = [];
  const live = new LiveLink(
    {
      platform: spied,
      config: resolveConfig({ signalingUrl: "ws://signaling.test/", enableDataChannel }),
      localId: "alice",
      remoteId: "bob",
      iceServers: [],
      hello: {
        protocolVersion: 1,
        instanceId: "alice-1",
        capabilities: [],
        codecs: [],
        audioLookaheadSamples: 312,
      },
      openMedia: undefined,
      video: undefined,
    },
    {
      ...{ candidate: nothing, state: nothing, ready: nothing, frame: nothing, syncState: nothing },
      ...{
        message: nothing,
        data: nothing,
        control: () => undefined,
        fault: (error: unknown) => void faults.push(error),
      },
    },
  );
  const [only] = opened;
  if (only === undefined) throw new Error("no link was opened");
  return { clock, live, ports, faults, ...only };
}

const types = (port: FakePort | undefined): string[] =>
  port?.sent.map((bytes) => parseSyncMessage(bytes).type) ?? [];

it("opens the three reserved channels under their ids", () => {
  const { options } = setUp();
  expect(options.channels).toEqual([
    { label: "control", id: 100, ordered: true },
    { label: "sync", id: 101, ordered: false, maxRetransmits: 0 },
    { label: "data", id: 102, ordered: true },
  ]);
});

it("opens none, and compares no clocks, without data channels", () => {
  const { options, live } = setUp(false);
  expect(options.channels).toEqual([]);
  expect(live.sync).toBe(undefined);
});

it("compares clocks as soon as the channel is open, also without audio", async () => {
  const { clock, live, ports } = setUp();
  ports.get("sync")?.start();
  clock.advance(600);
  expect(types(ports.get("sync"))).toEqual(Array.from({ length: 8 }, () => "request"));
  await clock.until(live.close());
  expect(ports.get("sync")?.closed).toBe(true);
});

it("takes a channel that the other side opens in-band by its label", () => {
  const { events, live, faults } = setUp();
  const [sync, data, other] = ["sync", "data", "other"].map((label) => new FakePort(label));
  for (const port of [sync, data, other]) {
    if (port === undefined) continue;
    port.open = true;
    events.channel(port);
  }
  sync?.receive(encodeRequest(5, 1e15));
  expect(types(sync)).toEqual(["request", "reply"]);
  expect([sync?.closed, data?.closed, other?.closed]).toEqual([false, false, true]);
  expect(faults.map(String)).toEqual([expect.stringContaining("unknown-label, other")]);
  expect(live.sync?.stats().dropped).toEqual({});
});

it("tells the other side of what the browser has sent, as often as reports want it", () => {
  const { clock, events, live, ports } = setUp();
  const sync = ports.get("sync");
  sync?.start();
  const beacons = (): number => types(sync).filter((type) => type === "beacon").length;
  const send = (ms: number): void => {
    for (let passed = 0; passed < ms; passed += 100, clock.advance(100)) {
      events.sent({ ssrc: 3, rtpTimestamp: clock.now() * 48, captureMs: clock.wallNow() });
    }
  };
  send(2_000);
  expect(beacons()).toBe(4);
  live.configure({ rtcpIntervalMs: 1_000 });
  send(2_000);
  expect(beacons()).toBe(24);
});
