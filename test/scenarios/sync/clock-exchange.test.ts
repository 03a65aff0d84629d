// The `sync` channel over simulated paths: machines whose clocks are off find out by how much, and how sure that is.
import { expect, it } from "vitest";
import { SYNC_CHANNEL, SyncChannel } from "../../../src/channels/sync-channel.ts";
import type { Beacon } from "../../../src/channels/sync-messages.ts";
import type { PeerLink, Platform } from "../../../src/platform/platform.ts";
import { ntpToUs } from "../../../src/rtp/ntp.ts";
import { ClockOffset } from "../../../src/sync/clock-offset.ts";
import { linkPresets } from "../../../src/testing/link-presets.ts";
import type { LinkPreset } from "../../../src/testing/link-presets.ts";
import { SeededRandom } from "../../../src/testing/random.ts";
import { SimulatedNetwork } from "../../../src/testing/simulated-platform.ts";
import { VirtualClock } from "../../../src/testing/virtual-clock.ts";

const SEED = 31;
const CLOCK_ERRORS = {
  alice: { offsetMs: 500, skewPpm: 200, startMs: 40_000 },
  bob: { offsetMs: 0, skewPpm: 0 },
};

/** One end: its link, its channel, and what it has learnt. */
class Side {
  readonly offset = new ClockOffset();
  readonly beacons: { beacon: Beacon; receivedAtMs: number }[] = [];
  readonly link: PeerLink;
  readonly sync: SyncChannel;
  readonly platform: Platform;
  refused = 0;

  constructor(name: string, platform: Platform) {
    this.platform = platform;
    const random = new SeededRandom(`${SEED}/${name}`);
    const nothing = (): void => undefined;
    this.link = platform.openPeerLink(
      { name, iceServers: [], iceTransportPolicy: "all", channels: [SYNC_CHANNEL] },
      {
        ...{ state: nothing, rtp: nothing, rtcp: nothing, frame: nothing, sent: nothing, channel: nothing },
        candidate: (candidate) => this.onCandidate(candidate.candidate),
        fault: (error) => {
          throw error;
        },
      },
    );
    this.sync = new SyncChannel({
      peerId: name,
      clock: platform.clock,
      rtcpIntervalMs: 5_000,
      random: () => random.next(),
      onExchange: (exchange) => {
        if (!this.offset.add(exchange)) this.refused++;
      },
      onBeacon: (beacon, receivedAtMs) => this.beacons.push({ beacon, receivedAtMs }),
      onFault: (error) => {
        throw error;
      },
    });
    const port = this.link.channels.get(SYNC_CHANNEL.label);
    if (port !== undefined) this.sync.attach(port);
  }

  onCandidate: (candidate: string) => void = () => undefined;

  get nowUs(): number {
    return this.platform.clock.wallNow() * 1_000;
  }

  /** Say that a packet of audio leaves, captured 10 ms ago. */
  speak(): void {
    const captureUs = this.nowUs - 10_000;
    const rtpTimestamp = Math.round(captureUs * 0.048) % 2 ** 32;
    this.sync.sent({ media: "audio", ssrc: 9, rtpTimestamp, captureUs });
  }
}

async function connect(preset: LinkPreset): Promise<{ clock: VirtualClock; alice: Side; bob: Side }> {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock, seed: SEED, link: linkPresets[preset] });
  const alice = new Side("alice", network.platform("alice", CLOCK_ERRORS.alice));
  const bob = new Side("bob", network.platform("bob", CLOCK_ERRORS.bob));
  for (const [one, other] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    one.onCandidate = (candidate) =>
      void clock.setTimer(
        clock.now() + 1,
        () => void other.link.addCandidate({ candidate, sdpMid: "0", sdpMLineIndex: 0 }),
      );
  }
  const offer = await clock.until(alice.link.createOffer());
  const answer = await clock.until(bob.link.createAnswer(offer));
  await clock.until(alice.link.acceptAnswer(answer));
  return { clock, alice, bob };
}

const errorUs = (side: Side, other: Side): number =>
  Math.abs((side.offset.offsetUs(side.nowUs) ?? NaN) - (other.nowUs - side.nowUs));
const boundUs = (side: Side): number => side.offset.errorBoundUs(side.nowUs) ?? NaN;

it.each([
  // Bounds hold half a round trip of the fastest exchange and what the clocks may have drifted.
  ["wifi", 20_000, 5_000],
  ["mobile", 80_000, 20_000],
  ["lossyWifi", 40_000, 10_000],
] as const)(
  `clocks 500 ms and 200 ppm apart are compared within the bound over %s (seed ${SEED})`,
  async (preset, leastBoundUs, mostErrorUs) => {
    const { clock, alice, bob } = await connect(preset);
    await clock.run(2_000);
    // The burst has told already.
    expect(errorUs(alice, bob)).toBeLessThan(boundUs(alice));
    const errorsUs: number[] = [];
    for (let second = 0; second < 120; second++) {
      await clock.run(1_000);
      for (const [side, other] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        expect(errorUs(side, other)).toBeLessThanOrEqual(boundUs(side));
        if (second >= 30) errorsUs.push(errorUs(side, other));
      }
    }
    expect(Math.max(...errorsUs)).toBeLessThan(mostErrorUs);
    expect(boundUs(alice)).toBeLessThan(leastBoundUs);
    expect(Math.abs(alice.offset.ratePpm + 200)).toBeLessThan(50);
    expect(Math.abs(bob.offset.ratePpm - 200)).toBeLessThan(50);
    expect([alice.refused, bob.refused]).toEqual([0, 0]);
    const { exchanges } = alice.sync.stats();
    expect(exchanges).toBeGreaterThan(100);
    // Of each side a burst and then at most one every 320 ms; each is an exchange for the other one too.
    expect(exchanges).toBeLessThanOrEqual(2 * (8 + 122_000 / 320));
    alice.sync.close();
    bob.sync.close();
    await clock.until(Promise.all([alice.link.close(), bob.link.close()]));
    await clock.run(2_000);
    expect(clock.pending).toBe(0);
  },
);

it(`beacons carried to the other clock say when the audio was captured (seed ${SEED})`, async () => {
  const { clock, alice, bob } = await connect("wifi");
  const startUs = clock.wallNow() * 1_000;
  for (let packet = 0; packet < 1_500; packet++) {
    alice.speak();
    await clock.run(20);
  }
  expect(bob.beacons.length).toBeGreaterThan(55);
  for (const { beacon, receivedAtMs } of bob.beacons.slice(20)) {
    const captureUs = bob.offset.toLocalUs(ntpToUs(beacon.captureNtp)) ?? NaN;
    const ageMs = receivedAtMs - (captureUs - startUs) / 1_000;
    // 10 ms in the sender, and a path of 10 ms with its jitter.
    expect(ageMs).toBeGreaterThan(15);
    expect(ageMs).toBeLessThan(150);
  }
  alice.sync.close();
  bob.sync.close();
  await clock.until(Promise.all([alice.link.close(), bob.link.close()]));
});
