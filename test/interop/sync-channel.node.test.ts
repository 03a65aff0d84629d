// The `sync` channel between real platforms: the clocks of two processes are compared, and what beacons say of a stream
// fits the packets that come.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SYNC_CHANNEL, SyncChannel } from "../../src/channels/sync-channel.ts";
import type { Beacon } from "../../src/channels/sync-messages.ts";
import { createNodePlatform } from "../../src/platform/node/node-platform.ts";
import type { IceCandidate, PeerLink, PeerLinkOptions } from "../../src/platform/platform.ts";
import { ntpToUs } from "../../src/rtp/ntp.ts";
import { ClockOffset } from "../../src/sync/clock-offset.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { openBrowserPage } from "./browser-harness.ts";
import type { BrowserPage } from "./browser-harness.ts";

const OPTIONS: PeerLinkOptions = {
  name: "link",
  iceServers: [],
  iceTransportPolicy: "all",
  audio: { ssrc: 0x1234_5678, cname: "node", channels: 1, fec: true, dtx: false, bitrateKbps: 32 },
  channels: [SYNC_CHANNEL],
};
const FRAME_MS = 20;
/** Often, so that a second of audio has several. */
const RTCP_INTERVAL_MS = 1_000;

/** What an end has got. Times of arrival and of capture are Unix ms, by the clock of each. */
interface Heard {
  packets: { ssrc: number; rtpTimestamp: number; arrivalMs: number }[];
  beacons: { ssrc: number; rtpTimestamp: number; clockRate: number; captureMs: number }[];
  offsetUs: number | null;
  boundUs: number | null;
  /** What the clock of this library shows, minus what the system's does. */
  wallErrorMs: number;
}

/** What the page below exports. */
interface PageApi {
  open(options: PeerLinkOptions): void;
  link: PeerLink;
  speak(blocks: number): Promise<void>;
  useMicrophone(): Promise<void>;
  heard(): Heard;
  close(): Promise<void>;
}

const PAGE = `
  import { SyncChannel } from "../../src/channels/sync-channel.ts";
  import { createBrowserPlatform } from "../../src/platform/browser/browser-platform.ts";
  import { ntpToUs } from "../../src/rtp/ntp.ts";
  import { ClockOffset } from "../../src/sync/clock-offset.ts";
  import { sineBlock } from "../platform/browser/link-pair.ts";
  const platform = createBrowserPlatform();
  const { clock } = platform;
  export let link;
  let sync, offset, packets, beacons;
  export function open(options) {
    offset = new ClockOffset();
    packets = [];
    beacons = [];
    sync = new SyncChannel({
      peerId: "node", clock, rtcpIntervalMs: ${RTCP_INTERVAL_MS}, random: Math.random,
      onExchange: (exchange) => offset.add(exchange),
      onBeacon: ({ captureNtp, ...beacon }) => beacons.push({ ...beacon, captureMs: ntpToUs(captureNtp) / 1000 }),
      onFault: (error) => console.error(String(error)),
    });
    link = platform.openPeerLink(options, {
      candidate: (candidate) => fromPage(candidate),
      state: () => undefined, rtp: () => undefined, rtcp: () => undefined,
      channel: (port) => port.close(),
      frame: ({ ssrc, rtpTimestamp, arrivalMs }) =>
        packets.push({ ssrc, rtpTimestamp, arrivalMs: arrivalMs + performance.timeOrigin }),
      sent: ({ captureMs, ...mark }) => sync.sent({ media: "audio", ...mark, captureUs: captureMs * 1000 }),
      fault: (error) => console.error(String(error)),
    });
    sync.attach(link.channels.get("sync"));
  }
  export async function speak(blocks) {
    const startMs = clock.wallNow();
    for (let index = 0; index < blocks; index++) {
      link.audio.write(sineBlock(index), 1, (startMs + index * 20) * 1000);
      while (clock.wallNow() < startMs + (index + 1) * 20) await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
  export async function useMicrophone() {
    const [track] = (await navigator.mediaDevices.getUserMedia({ audio: true })).getAudioTracks();
    await link.audio.useTrack(track);
  }
  export function heard() {
    const nowUs = clock.wallNow() * 1000;
    const errors = Array.from({ length: 50 }, () => clock.wallNow() - Date.now());
    return {
      packets, beacons, offsetUs: offset.offsetUs(nowUs), boundUs: offset.errorBoundUs(nowUs),
      wallErrorMs: Math.min(...errors),
    };
  }
  export async function close() { sync.close(); await link.close(); }
`;

/** An end in this process. */
class NodeEnd {
  readonly platform = createNodePlatform();
  readonly offset = new ClockOffset();
  readonly packets: Heard["packets"] = [];
  readonly beacons: Heard["beacons"] = [];
  readonly faults: unknown[] = [];
  readonly sync: SyncChannel;
  readonly link: PeerLink;

  constructor(candidate: (candidate: IceCandidate) => void) {
    const { clock } = this.platform;
    const fault = (error: unknown): void => void this.faults.push(error);
    this.sync = new SyncChannel({
      peerId: "other",
      clock,
      rtcpIntervalMs: RTCP_INTERVAL_MS,
      random: () => 0.5,
      onExchange: (exchange) => void this.offset.add(exchange),
      onBeacon: ({ captureNtp, ...beacon }: Beacon) =>
        this.beacons.push({ ...beacon, captureMs: ntpToUs(captureNtp) / 1_000 }),
      onFault: fault,
    });
    const wallOffsetMs = clock.wallNow() - clock.now();
    this.link = this.platform.openPeerLink(
      { ...OPTIONS, bindAddress: "127.0.0.1" },
      {
        candidate,
        state: () => undefined,
        rtp: (packet, arrivalMs) => {
          const view = new DataView(packet.buffer, packet.byteOffset);
          if ((view.getUint8(1) & 0x7f) !== this.#payloadType) return;
          const arrival = { ssrc: view.getUint32(8), rtpTimestamp: view.getUint32(4) };
          this.packets.push({ ...arrival, arrivalMs: arrivalMs + wallOffsetMs });
        },
        rtcp: () => undefined,
        frame: () => undefined,
        sent: () => fault("a link of packets does not know what a browser has sent"),
        channel: (port) => port.close(),
        fault,
      },
    );
    const port = this.link.channels.get(SYNC_CHANNEL.label);
    if (port !== undefined) this.sync.attach(port);
  }

  get #payloadType(): number {
    return this.link.audio?.level === "packet" ? this.link.audio.payloadType : 0;
  }

  /** Send silence, and say of every packet that it was captured 20 ms before it was due. */
  async speak(packets: number): Promise<void> {
    const { clock } = this.platform;
    const { audio } = this.link;
    if (audio?.level !== "packet") throw new Error("Node sends packets");
    const startMs = clock.now();
    const captureMs = clock.wallNow() - FRAME_MS;
    for (let index = 0; index < packets; index++) {
      const rtpTimestamp = (0xffff_f000 + index * 960) >>> 0;
      if (audio.sendRtp(silence(audio.payloadType, index, rtpTimestamp))) {
        const captureUs = (captureMs + index * FRAME_MS) * 1_000;
        this.sync.sent({ media: "audio", ssrc: OPTIONS.audio?.ssrc ?? 0, rtpTimestamp, captureUs });
      }
      await new Promise((resolve) => setTimeout(resolve, startMs + (index + 1) * FRAME_MS - clock.now()));
    }
  }

  heard(): Heard {
    const { clock } = this.platform;
    const nowUs = clock.wallNow() * 1_000;
    return {
      packets: this.packets,
      beacons: this.beacons,
      offsetUs: this.offset.offsetUs(nowUs),
      boundUs: this.offset.errorBoundUs(nowUs),
      wallErrorMs: Math.min(...Array.from({ length: 50 }, () => clock.wallNow() - Date.now())),
    };
  }

  async close(): Promise<void> {
    this.sync.close();
    await this.link.close();
    expect(this.faults).toEqual([]);
  }
}

/** RFC 3550 section 5.1 without extensions, and an Opus packet of 20 ms of silence (RFC 6716 section 3.1). */
function silence(payloadType: number, sequenceNumber: number, rtpTimestamp: number): Uint8Array {
  const packet = new Uint8Array(12 + 3);
  const view = new DataView(packet.buffer);
  packet.set([0x80, payloadType]);
  view.setUint16(2, sequenceNumber);
  view.setUint32(4, rtpTimestamp);
  view.setUint32(8, OPTIONS.audio?.ssrc ?? 0);
  packet.set([0xf8, 0xff, 0xfe], 12);
  return packet;
}

/** The clocks of both are within the bound of what the clock of the machine, with its whole ms, says. */
function expectCompared(own: Heard, other: Heard): void {
  const trueUs = (other.wallErrorMs - own.wallErrorMs) * 1_000;
  expect(own.boundUs).toBeLessThan(5_000);
  expect(Math.abs((own.offsetUs ?? NaN) - trueUs)).toBeLessThan((own.boundUs ?? NaN) + 2_000);
}

/**
 * The beacons of the stream lie on one line, and its packets come soon after the capture that they tell.
 * @param spreadMs how far beacons may part from that line
 * @param share how many of them must not part further, 0 to 1
 */
function expectConsistent({ packets, beacons, offsetUs }: Heard, spreadMs: number, share = 1): void {
  expect(beacons.length).toBeGreaterThan(4);
  const first = middleOne(beacons);
  if (first === undefined || offsetUs === null) throw new Error("nothing was heard");
  /** Capture on the receiver's clock, by what one beacon says. */
  const captureMs = (rtpTimestamp: number): number =>
    first.captureMs - offsetUs / 1_000 + ((rtpTimestamp - first.rtpTimestamp) | 0) / 48;
  const partings = beacons.map((beacon) => {
    expect(beacon).toMatchObject({ media: "audio", ssrc: first.ssrc, clockRate: 48_000 });
    return Math.abs(beacon.captureMs - captureMs(beacon.rtpTimestamp) - offsetUs / 1_000);
  });
  const near = partings.filter((partingMs) => partingMs < spreadMs);
  expect(near.length, `ms from the line: ${partings.join(" ")}`).toBeGreaterThanOrEqual(
    share * beacons.length,
  );
  // The fastest packet shows the path; others may have met a busy machine.
  const ages = packets
    .filter(({ ssrc }) => ssrc === first.ssrc)
    .map((packet) => packet.arrivalMs - captureMs(packet.rtpTimestamp));
  expect(ages.length).toBeGreaterThan(20);
  expect(Math.min(...ages)).toBeGreaterThan(0);
  expect(Math.min(...ages)).toBeLessThan(60);
}

/** The beacon in the middle of those that call the same RTP time earlier and those that call it later. */
function middleOne(beacons: Heard["beacons"]): Heard["beacons"][number] | undefined {
  const [first] = beacons;
  if (first === undefined) return undefined;
  const zeroMs = (beacon: typeof first): number =>
    beacon.captureMs - ((beacon.rtpTimestamp - first.rtpTimestamp) | 0) / 48;
  return [...beacons].sort((a, b) => zeroMs(a) - zeroMs(b))[beacons.length >> 1];
}

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const end of open.splice(0)) await end.close();
});

describe("two links of Node", { timeout: 30_000 }, () => {
  it("compare their clocks and tell of their streams", async () => {
    const early: [NodeEnd["link"] | undefined, IceCandidate][] = [];
    const a = new NodeEnd((candidate) => early.push([b.link, candidate]));
    const b: NodeEnd = new NodeEnd((candidate) => early.push([a.link, candidate]));
    open.push(a, b);
    await a.link.acceptAnswer(await b.link.createAnswer(await a.link.createOffer()));
    await expect
      .poll(async () => {
        for (const [link, candidate] of early.splice(0)) await link?.addCandidate(candidate);
        return [a.link.state, b.link.state];
      })
      .toEqual(["connected", "connected"]);
    await Promise.all([a.speak(60), b.speak(60)]);
    await expect
      .poll(() => Math.max(a.heard().boundUs ?? Infinity, b.heard().boundUs ?? Infinity))
      .toBeLessThan(5_000);
    expectCompared(a.heard(), b.heard());
    expectCompared(b.heard(), a.heard());
    expectConsistent(a.heard(), 0.1);
    expectConsistent(b.heard(), 0.1);
  });
});

describeUnless(NO_CHROMIUM, "links of Node and Chromium", { timeout: 30_000 }, () => {
  let chromium: BrowserPage;
  let takeCandidate: (candidate: IceCandidate) => void = () => undefined;

  beforeAll(async () => {
    chromium = await openBrowserPage({ source: PAGE, resolveDir: import.meta.dirname });
    await chromium.page.exposeFunction("fromPage", (candidate: IceCandidate) => takeCandidate(candidate));
  }, 30_000);
  afterAll(() => chromium.close());

  /** Call into the page. */
  const inPage = <T, A>(call: (api: PageApi, argument: A) => T, argument: A): Promise<Awaited<T>> =>
    // The function travels as its source; it may use nothing but its parameters.
    chromium.page.evaluate<Awaited<T>>(`(${String(call)})(window.page, ${JSON.stringify(argument)})`);
  const heardByPage = (): Promise<Heard> => inPage((api) => api.heard(), null);

  async function connect(): Promise<NodeEnd> {
    const [early, late]: IceCandidate[][] = [[], []];
    const node = new NodeEnd((candidate) => early?.push(candidate));
    open.push({ close: () => inPage((api) => api.close(), null) }, node);
    takeCandidate = (candidate) => late?.push(candidate);
    await inPage((api, options) => api.open(options), OPTIONS);
    const answer = await inPage((api, sdp) => api.link.createAnswer(sdp), await node.link.createOffer());
    await node.link.acceptAnswer(answer);
    takeCandidate = (candidate) => void node.link.addCandidate(candidate);
    for (const candidate of late ?? []) takeCandidate(candidate);
    await expect.poll(() => early?.length).toBeGreaterThan(0);
    for (const candidate of early ?? []) await inPage((api, one) => api.link.addCandidate(one), candidate);
    await expect.poll(() => node.link.state, { timeout: 10_000 }).toBe("connected");
    await expect.poll(() => inPage((api) => api.link.state, null)).toBe("connected");
    return node;
  }

  it("compare their clocks and tell of written samples", async () => {
    const node = await connect();
    await Promise.all([node.speak(80), inPage((api) => api.speak(80), null)]);
    await expect
      .poll(async () => Math.max(node.heard().boundUs ?? Infinity, (await heardByPage()).boundUs ?? Infinity))
      .toBeLessThan(5_000);
    const [own, other] = [node.heard(), await heardByPage()];
    console.log(own.offsetUs, own.boundUs, other.offsetUs, other.boundUs, own.wallErrorMs, other.wallErrorMs);
    expectCompared(own, other);
    expectCompared(other, own);
    // Chromium keeps capture times in whole ms.
    expectConsistent(own, 2.5);
    expectConsistent(other, 0.1);
    expect(chromium.log.filter((line) => line.startsWith("error"))).toEqual([]);
  });

  // A machine under load may keep the device from its turn for longer than its bursts are; not three times.
  it("tell of a microphone", { retry: 2 }, async () => {
    const node = await connect();
    await inPage((api) => api.useMicrophone(), null);
    await expect.poll(() => node.beacons.length, { timeout: 10_000 }).toBeGreaterThan(8);
    // The device's clock is another than the computer's, and what it hands over comes in bursts. Some of them come late on
    // a busy machine, and in the first second more are read at once.
    expectConsistent(node.heard(), 25, 0.6);
  });
});
