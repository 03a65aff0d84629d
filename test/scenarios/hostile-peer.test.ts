// A peer that speaks signaling and opens real links, and sends rubbish over everything it has. The victim counts it,
// logs each kind once, goes on talking with others, and drops nobody but the offender.
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PeerLink } from "../../src/platform/platform.ts";
import { buildRtp } from "../../src/rtp/packet.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { SignalingClient } from "../../src/signaling/signaling.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { SIGNALING_URL, speak, WARM_UP_TIMEOUT_MS, World } from "./world.ts";

const SEED = 7;
const EXCHANGE = { requestId: "r1", connectionId: "c1", link: "media" };

let world: World;
let victim: WebRtcTransport;
let friend: WebRtcTransport;
let mallory: Mallory;
const log: string[] = [];

beforeAll(() => World.warmUp(), WARM_UP_TIMEOUT_MS);

async function meet(): Promise<void> {
  world = World.open({ seed: SEED });
  log.length = 0;
  const keep = (message: string): void => void log.push(message);
  const logger = { debug: () => undefined, info: () => undefined, warn: keep, error: keep };
  victim = world.transport("victim", { logger, logLevel: "warn" });
  await world.clock.until(victim.start());
  [friend] = (await world.join("friend")) as [WebRtcTransport];
  mallory = new Mallory();
  await world.clock.until(mallory.join());
}

afterEach(async () => {
  await mallory.leave();
  const left = await world.close();
  expect(left.openLinks, `seed ${SEED}`).toBe(0);
  expect(left.pendingTimers, `seed ${SEED}`).toBe(0);
});

/** The victim still hears its friend. */
async function expectUnharmed(): Promise<void> {
  const heard = (): number =>
    victim.stats().peers.find(({ peerId }) => peerId === "friend")?.audio?.inbound.decoded ?? 0;
  const before = heard();
  speak(world, friend, 25);
  await world.clock.run(1_000);
  expect(heard() - before).toBe(25);
}

describe("a hostile peer", () => {
  it("sends descriptions that are none", async () => {
    await meet();
    for (const [i, sdp] of [
      "v=0\r\nm=",
      "v=0\r\nm=audio 9 X 0\r\n",
      `v=0\r\n${"m=audio\r\n".repeat(500)}`,
    ].entries()) {
      const exchange = { requestId: `r${i}`, connectionId: `c${i}`, link: "media" };
      await world.clock.until(mallory.signaling.sendOffer("victim", sdp, exchange));
      await world.clock.run(500);
    }
    expect(mallory.refusals).toHaveLength(3);
    expect(victim.listPeers({ all: true }).map(({ peerId }) => peerId)).toEqual(["friend"]);
    await expectUnharmed();
  });

  it("sends answers, candidates and goodbyes that nobody asked for", async () => {
    await meet();
    const rubbish = {
      candidate: "candidate:rubbish",
      sdpMid: "99",
      sdpMLineIndex: 99,
      usernameFragment: null,
    };
    for (let i = 0; i < 50; i++) {
      mallory.signaling.sendIceCandidate("victim", rubbish, EXCHANGE);
      mallory.signaling.sendDisconnect("victim", "error", "no-such-connection");
    }
    await world.clock.run(500);
    await expectUnharmed();
  });

  it("connects, then sends rubbish as RTP, RTCP, Opus and messages", async () => {
    await meet();
    const link = await mallory.connect();
    const random = new SeededRandom(SEED);
    const { audio } = link;
    if (audio?.level !== "packet") throw new Error("the simulation has packet links");
    const control = link.channels.get("control");
    const data = link.channels.get("data");
    for (let i = 0; i < 200; i++) {
      const bytes = random.bytes(random.integer(0, 300));
      audio.sendRtp(bytes);
      audio.sendRtcp(bytes);
      const header = { ssrc: 42, payloadType: audio.payloadType, sequenceNumber: i, timestamp: i * 960 };
      audio.sendRtp(buildRtp({ ...header, payload: random.bytes(40) }));
      control?.send(bytes);
      data?.send(bytes);
      await world.clock.run(20);
    }
    const stats = victim.stats().peers.find(({ peerId }) => peerId === "mallory");
    const inbound = stats?.audio?.inbound;
    expect(inbound?.malformed).toBeGreaterThan(10);
    expect(stats?.audio?.rtcp.malformed).toBeGreaterThan(10);
    const dropped = Object.values(stats?.channels?.dropped ?? {}).reduce((sum, count) => sum + count, 0);
    expect(dropped).toBe(400);
    const kinds = new Set(log);
    expect(log.length, log.join("\n")).toBeLessThan(20);
    expect(kinds.size).toBeGreaterThan(1);
    await expectUnharmed();
  });
});

class Mallory {
  readonly signaling: SignalingClient;
  readonly refusals: string[] = [];
  readonly #platform = world.network.platform("mallory");
  #link: PeerLink | undefined;

  constructor() {
    this.signaling = new SignalingClient({ url: SIGNALING_URL, platform: this.#platform });
    this.signaling.on("peerDisconnected", ({ reason }) => this.refusals.push(reason));
  }

  async join(): Promise<void> {
    await this.signaling.connect();
    await this.signaling.announce({ peerId: "mallory", room: "room", capabilities: ["audio", "data"] });
  }

  async connect(): Promise<PeerLink> {
    let connected = (): void => undefined;
    const up = new Promise<void>((resolve) => (connected = resolve));
    const link = this.#platform.openPeerLink(
      {
        name: "mallory",
        iceServers: [],
        iceTransportPolicy: "all",
        audio: { ssrc: 42, cname: "mallory", channels: 1, fec: false, dtx: false, bitrateKbps: 64 },
        channels: [
          { label: "control", id: 100, ordered: true },
          { label: "data", id: 102, ordered: true },
        ],
      },
      {
        candidate: ({ candidate, sdpMid, sdpMLineIndex }) => {
          const usernameFragment = null;
          const message = { candidate, sdpMid, sdpMLineIndex, usernameFragment };
          this.signaling.sendIceCandidate("victim", message, EXCHANGE);
        },
        state: (state) => state === "connected" && connected(),
        rtp: () => undefined,
        rtcp: () => undefined,
        frame: () => undefined,
        sent: () => undefined,
        channel: () => undefined,
        fault: () => undefined,
      },
    );
    this.#link = link;
    const answered = new Promise<void>((resolve, reject) => {
      this.signaling.on("answer", ({ sdp }) => void link.acceptAnswer(sdp).then(resolve, reject));
    });
    this.signaling.on("iceCandidate", (message) => void answered.then(() => link.addCandidate(message)));
    await world.clock.until(this.signaling.sendOffer("victim", await link.createOffer(), EXCHANGE));
    await world.clock.until(Promise.all([answered, up]));
    await world.clock.run(200);
    return link;
  }

  async leave(): Promise<void> {
    await world.clock.until(Promise.all([this.#link?.close(), this.signaling.close()]));
  }
}
