import { expect, it } from "vitest";
import type { Exchange } from "../../src/channels/clock-exchanges.ts";
import { SYNC_CHANNEL, SyncChannel } from "../../src/channels/sync-channel.ts";
import type { SyncChannelOptions } from "../../src/channels/sync-channel.ts";
import { encodeBeacon, encodeRequest, parseSyncMessage } from "../../src/channels/sync-messages.ts";
import type { Beacon } from "../../src/channels/sync-messages.ts";
import type { TransportError } from "../../src/errors/errors.ts";
import { ntpToUs } from "../../src/rtp/ntp.ts";
import { SkewedClock } from "../../src/testing/skewed-clock.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { FakePort } from "./fake-port.ts";

const STREAM = { media: "audio", ssrc: 7, rtpTimestamp: 5, clockRate: 48_000 } as const;

function setUp(overrides: Partial<SyncChannelOptions> = {}, clock = new VirtualClock()) {
  const exchanges: Exchange[] = [];
  const beacons: { beacon: Beacon; receivedAtMs: number }[] = [];
  const faults: TransportError[] = [];
  const sync = new SyncChannel({
    peerId: "bob",
    clock,
    rtcpIntervalMs: 5_000,
    random: () => 0.5,
    onExchange: (exchange) => exchanges.push(exchange),
    onBeacon: (beacon, receivedAtMs) => beacons.push({ beacon, receivedAtMs }),
    onFault: (error) => faults.push(error),
    ...overrides,
  });
  const port = new FakePort("sync");
  sync.attach(port);
  return { clock, sync, port, exchanges, beacons, faults };
}

const types = (port: FakePort): string[] => port.sent.map((bytes) => parseSyncMessage(bytes).type);

/** Send a packet every 20 ms for some time. @returns when beacons left, ms */
function speak({ clock, sync, port }: ReturnType<typeof setUp>, ms: number, ssrc = 1): number[] {
  const times: number[] = [];
  for (const endMs = clock.now() + ms; clock.now() < endMs; clock.advance(20)) {
    const before = types(port).filter((type) => type === "beacon").length;
    sync.sent({ media: "audio", ssrc, rtpTimestamp: clock.now() * 48, captureUs: clock.wallNow() * 1_000 });
    if (types(port).filter((type) => type === "beacon").length > before) times.push(clock.now());
  }
  return times;
}

it("is the channel that both sides open as 101", () => {
  expect(SYNC_CHANNEL).toEqual({ label: "sync", id: 101, ordered: false, maxRetransmits: 0 });
});

it("finds how far two clocks are apart", () => {
  const clock = new VirtualClock();
  const alice = setUp({}, clock);
  const late = new SkewedClock(clock, { offsetMs: 500, startMs: 77 }) as unknown as VirtualClock;
  const bob = setUp({}, late);
  const wire = (from: FakePort, to: FakePort, delayMs: number): void => {
    from.other = {
      receive: (bytes: Uint8Array) => clock.setTimer(clock.now() + delayMs, () => to.receive(bytes)),
    } as unknown as FakePort;
  };
  wire(alice.port, bob.port, 4);
  wire(bob.port, alice.port, 4);
  alice.port.start();
  bob.port.start();
  clock.advance(3_000);
  // Ten that each began, and all but the last of the ten that the other one began.
  expect(alice.exchanges).toHaveLength(19);
  for (const { t1, t2, t3, t4 } of alice.exchanges) {
    expect((t2 - t1 + (t3 - t4)) / 2).toBeCloseTo(500_000, -1);
    expect(t4 - t1 - (t3 - t2)).toBeCloseTo(8_000, -1);
  }
  expect(bob.exchanges).toHaveLength(19);
  expect(alice.sync.stats()).toMatchObject({ exchanges: 19, dropped: {} });
});

it("tells of a stream at its start and ten times an interval of reports", () => {
  const side = setUp();
  side.port.start();
  expect(speak(side, 2_000)).toEqual([0, 500, 1_000, 1_500]);
  const beacon = side.port.sent.map((bytes) => parseSyncMessage(bytes)).find(({ type }) => type === "beacon");
  if (beacon?.type !== "beacon") throw new Error("no beacon");
  expect(beacon.beacon).toMatchObject({ media: "audio", ssrc: 1, rtpTimestamp: 0, clockRate: 48_000 });
  expect(ntpToUs(beacon.beacon.captureNtp)).toBe(new VirtualClock().wallNow() * 1_000);
  expect(side.sync.stats().beaconsSent).toBe(4);
});

it("tells at once of another stream, and of one that goes on after a pause", () => {
  const side = setUp();
  side.port.start();
  expect(speak(side, 600, 1)).toEqual([0, 500]);
  expect(speak(side, 200, 2)).toEqual([600]);
  side.clock.advance(10_000);
  expect(speak(side, 1_000, 2)).toEqual([10_800, 11_300]);
});

it("keeps the mean distance where it is told of few packets only", () => {
  const { sync, port, clock } = setUp();
  port.start();
  for (let i = 0; i < 50; i++, clock.advance(200))
    sync.sent({ media: "audio", ssrc: 1, rtpTimestamp: 0, captureUs: 1e15 });
  expect(types(port).filter((type) => type === "beacon")).toHaveLength(20);
});

it("follows a changed interval of reports", () => {
  const side = setUp();
  side.port.start();
  speak(side, 500);
  side.sync.configure({ rtcpIntervalMs: 1_000 });
  side.sync.configure({});
  expect(speak(side, 300)).toEqual([500, 600, 700]);
});

it("keeps the first beacon of a stream until there is a channel", () => {
  const side = setUp();
  expect(speak(side, 100)).toEqual([]);
  side.port.start();
  expect(speak(side, 100)).toEqual([100]);
});

it("leaves out beacons of audio that is stamped with no time", () => {
  const { sync, port } = setUp();
  port.start();
  sync.sent({ media: "audio", ssrc: 1, rtpTimestamp: 0, captureUs: -1e16 });
  sync.sent({ media: "audio", ssrc: 2, rtpTimestamp: 0, captureUs: NaN });
  expect(types(port)).not.toContain("beacon");
  expect(sync.stats()).toMatchObject({ beaconsSent: 0, dropped: { "sync-time": 2 } });
});

it("hands beacons on with the time at which they came, 50 a second at most", () => {
  const { port, clock, beacons, sync } = setUp();
  clock.advance(123);
  for (let i = 0; i < 60; i++) port.receive(encodeBeacon({ ...STREAM, rtpTimestamp: i }, 1e15));
  expect(beacons).toHaveLength(50);
  expect(beacons[0]).toMatchObject({ beacon: { ...STREAM, rtpTimestamp: 0 }, receivedAtMs: 123 });
  expect(sync.stats()).toMatchObject({ beaconsReceived: 50, dropped: { "surplus-beacon": 10 } });
});

it("drops what is no message of this channel, counted", () => {
  const { port, sync, beacons } = setUp();
  port.start();
  const before = port.sent.length;
  port.receive("text");
  port.receive(new Uint8Array(0));
  port.receive(new Uint8Array(24).fill(1, 0, 1));
  port.receive(new Uint8Array(5).fill(2));
  expect(port.sent).toHaveLength(before);
  expect(beacons).toEqual([]);
  expect(sync.stats().dropped).toEqual({
    "text-frame": 1,
    "sync-kind": 1,
    "sync-time": 1,
    "sync-length": 1,
  });
});

it("contains listeners that throw", () => {
  const boom = (): never => {
    throw new Error("boom");
  };
  const { port, clock, faults } = setUp({ onBeacon: boom, onExchange: boom });
  const echo = new FakePort("sync");
  setUp({}, clock).sync.attach(echo);
  port.other = echo;
  echo.other = port;
  echo.start();
  port.start();
  port.receive(encodeBeacon(STREAM, 1e15));
  expect(faults.length).toBeGreaterThan(1);
  expect(faults[0]).toMatchObject({ code: "INTERNAL_ERROR", peerId: "bob" });
  clock.advance(1_000);
});

it("sends through the port that opened last, and goes back to the other one when it is lost", () => {
  const { sync, port } = setUp();
  port.start();
  const inband = new FakePort("sync");
  inband.open = true;
  sync.attach(inband);
  expect(types(inband)).toEqual(["request"]);
  const before = port.sent.length;
  port.receive(encodeRequest(3, 1e15));
  expect(types(inband)).toEqual(["request", "reply"]);
  expect(port.sent).toHaveLength(before);
  inband.lose();
  port.receive(encodeRequest(4, 1e15));
  expect(types(port).at(-1)).toBe("reply");
});

it("takes four ports and closes a fifth", () => {
  const { sync } = setUp();
  const ports = Array.from({ length: 4 }, () => new FakePort("sync"));
  for (const port of ports) sync.attach(port);
  expect(ports.map(({ closed }) => closed)).toEqual([false, false, false, true]);
  expect(sync.stats().dropped).toEqual({ "surplus-channel": 1 });
});

it("sends nothing into a channel that does not get rid of it, or refuses", () => {
  const { sync, port, clock } = setUp();
  port.start();
  port.bufferedAmount = 1_025;
  const before = port.sent.length;
  clock.advance(1_000);
  expect(port.sent).toHaveLength(before);
  port.bufferedAmount = 0;
  port.refuses = true;
  clock.advance(5_000);
  expect(sync.stats().dropped["not-sent"]).toBeGreaterThan(10);
  port.refuses = false;
  clock.advance(1_500);
  expect(port.sent.length).toBeGreaterThan(before);
});

it("is silent without a port that is open, and leaves no timer when it is closed", () => {
  const { sync, port, clock, exchanges } = setUp();
  expect(clock.pending).toBe(0);
  port.start();
  expect(clock.pending).toBe(1);
  port.lose();
  expect(clock.pending).toBe(0);
  const another = new FakePort("sync");
  sync.attach(another);
  another.start();
  sync.close();
  sync.close();
  expect([another.closed, clock.pending]).toEqual([true, 0]);
  another.receive(encodeRequest(1, 1e15));
  sync.sent({ media: "audio", ssrc: 1, rtpTimestamp: 0, captureUs: 1e15 });
  expect(types(another)).toEqual(["request"]);
  expect(exchanges).toEqual([]);
  const late = new FakePort("sync");
  sync.attach(late);
  expect(late.closed).toBe(true);
});
