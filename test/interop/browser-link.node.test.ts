// A peer link of Node and one of Chromium, joined: the two platforms speak to each other, whoever offers.
import { afterAll, beforeAll, expect, it } from "vitest";
import { createNodePlatform } from "../../src/platform/node/node-platform.ts";
import type {
  IceCandidate,
  PacketAudioPort,
  PeerLink,
  PeerLinkOptions,
} from "../../src/platform/platform.ts";
import { buildCaptureTime, captureTimeOf } from "../../src/rtp/capture-time.ts";
import { buildExtensions } from "../../src/rtp/extensions.ts";
import { buildRtp, parseRtp } from "../../src/rtp/packet.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { openBrowserPage } from "./browser-harness.ts";
import type { BrowserPage } from "./browser-harness.ts";

const OPTIONS: PeerLinkOptions = {
  name: "link",
  iceServers: [],
  iceTransportPolicy: "all",
  audio: { ssrc: 0x1234_5678, cname: "node", channels: 1, fec: true, dtx: false, bitrateKbps: 32 },
  channels: [{ label: "data", id: 102, ordered: true }],
};

/** What the page below exports. */
interface PageApi {
  open(options: PeerLinkOptions): void;
  link: PeerLink;
  frames: {
    sequenceNumber: number;
    rtpTimestamp: number;
    ssrc: number;
    bytes: number;
    captureMs?: number;
  }[];
  messages: string[];
  speak(blocks: number): Promise<void>;
  close(): Promise<void>;
}

const PAGE = `
  import { createBrowserPlatform } from "../../src/platform/browser/browser-platform.ts";
  import { sineBlock } from "../platform/browser/link-pair.ts";
  const platform = createBrowserPlatform();
  export let link;
  export let frames = [];
  export let messages = [];
  export function open(options) {
    frames = [];
    messages = [];
    link = platform.openPeerLink(options, {
      candidate: (candidate) => fromPage(candidate),
      state: () => undefined, rtp: () => undefined, rtcp: () => undefined, channel: () => undefined,
      frame: ({ payload, ...frame }) => frames.push({ ...frame, bytes: payload.length }),
      sent: () => undefined,
      fault: (error) => console.error(String(error)),
    });
    link.channels.get("data").listen({
      open: () => link.channels.get("data").send(new Uint8Array([7])),
      close: () => undefined,
      message: (message) => messages.push([...message].join()),
    });
  }
  export async function speak(blocks) {
    for (let index = 0; index < blocks; index++) {
      link.audio.write(sineBlock(index), 1, (performance.timeOrigin + performance.now()) * 1000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  export const close = () => link.close();
`;

/** One link of Node's and everything it has reported. */
class NodeEnd {
  readonly rtp: Uint8Array[] = [];
  readonly rtcp: Uint8Array[] = [];
  readonly messages: string[] = [];
  readonly faults: unknown[] = [];
  readonly candidates: IceCandidate[] = [];
  readonly link: PeerLink;

  constructor(candidate: (candidate: IceCandidate) => void) {
    this.link = createNodePlatform().openPeerLink(
      { ...OPTIONS, bindAddress: "127.0.0.1" },
      {
        candidate,
        state: () => undefined,
        rtp: (packet) => this.rtp.push(packet),
        rtcp: (packet) => this.rtcp.push(packet),
        frame: () => undefined,
        sent: () => undefined,
        channel: () => undefined,
        fault: (error) => this.faults.push(error),
      },
    );
    const data = this.link.channels.get("data");
    data?.listen({
      open: () => data.send(new Uint8Array([1, 2, 3])),
      close: () => undefined,
      message: (message) => this.messages.push([...(message as Uint8Array)].join()),
    });
  }
}

/** RFC 3550 section 5.1 without extensions, and an Opus packet of 20 ms of silence (RFC 6716 section 3.1). */
function silentPacket(payloadType: number, sequenceNumber: number): Uint8Array {
  const packet = new Uint8Array(12 + 3);
  const view = new DataView(packet.buffer);
  packet.set([0x80, payloadType]);
  view.setUint16(2, sequenceNumber);
  view.setUint32(4, sequenceNumber * 960);
  view.setUint32(8, OPTIONS.audio?.ssrc ?? 0);
  packet.set([0xf8, 0xff, 0xfe], 12);
  return packet;
}

/** The same with four bytes of padding instead of audio. */
function paddingPacket(payloadType: number, sequenceNumber: number): Uint8Array {
  const packet = new Uint8Array(12 + 4);
  packet.set(silentPacket(payloadType, sequenceNumber).subarray(0, 12));
  packet[0] = 0xa0;
  packet[15] = 4;
  return packet;
}

/** {@link silentPacket} with the capture time of its first sample. */
function timedPacket(audio: PacketAudioPort, sequenceNumber: number, captureUs: number): Uint8Array {
  const plain = parseRtp(silentPacket(audio.payloadType, sequenceNumber));
  const data = buildCaptureTime({ captureUs });
  if (typeof plain === "string" || data === undefined) throw new Error("no packet");
  return buildRtp({ ...plain, extension: buildExtensions([{ id: audio.captureTimeId, data }]) });
}

/** What a packet from Chromium says of its capture, Unix microseconds. */
function captureUsOf(packet: Uint8Array, captureTimeId: number): number | undefined {
  const parsed = parseRtp(packet);
  return typeof parsed === "string" ? undefined : captureTimeOf(parsed, captureTimeId)?.captureUs;
}

const payloadTypeOf = (packet: Uint8Array): number => (packet[1] ?? 0) & 0x7f;

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

  async function connect(offerer: "node" | "chromium"): Promise<NodeEnd> {
    const early: IceCandidate[] = [];
    const late: IceCandidate[] = [];
    const node = new NodeEnd((candidate) => early.push(candidate));
    takeCandidate = (candidate) => late.push(candidate);
    await inPage((api, options) => api.open(options), OPTIONS);
    if (offerer === "node") {
      const answer = await inPage((api, sdp) => api.link.createAnswer(sdp), await node.link.createOffer());
      await node.link.acceptAnswer(answer);
    } else {
      const answer = await node.link.createAnswer(await inPage((api) => api.link.createOffer(), null));
      await inPage((api, sdp) => api.link.acceptAnswer(sdp), answer);
    }
    takeCandidate = (candidate) => void node.link.addCandidate(candidate);
    for (const candidate of late) takeCandidate(candidate);
    await expect.poll(() => early.length > 0).toBe(true);
    for (const candidate of early) await inPage((api, one) => api.link.addCandidate(one), candidate);
    await expect.poll(() => node.link.state, { timeout: 10_000 }).toBe("connected");
    await expect.poll(() => inPage((api) => api.link.state, null)).toBe("connected");
    return node;
  }

  it.each(["node", "chromium"] as const)("carry audio and data both ways when %s offers", async (offerer) => {
    const node = await connect(offerer);
    const audio = node.link.audio;
    if (audio?.level !== "packet") throw new Error("Node sends packets");
    for (let sequenceNumber = 65_530; sequenceNumber < 65_550; sequenceNumber++) {
      audio.sendRtp(silentPacket(audio.payloadType, sequenceNumber & 0xffff));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    audio.sendRtp(paddingPacket(audio.payloadType, 14));
    await inPage((api) => api.speak(50), null);

    const received = await inPage((api) => api.frames, null);
    expect(received.at(-1)).toMatchObject({ sequenceNumber: 14, bytes: 0 });
    const frames = received.slice(0, -1);
    expect(frames.length).toBeGreaterThanOrEqual(15);
    expect(new Set(frames.map(({ ssrc, bytes }) => `${ssrc} ${bytes}`))).toEqual(new Set(["305419896 3"]));
    expect(frames.map(({ sequenceNumber }) => sequenceNumber).slice(-13)).toEqual(
      [...Array(13).keys()].map((n) => n + 1),
    );
    expect(frames.at(-1)?.rtpTimestamp).toBe(13 * 960);

    const spoken = node.rtp.filter((packet) => payloadTypeOf(packet) === audio.payloadType);
    expect(spoken.length).toBeGreaterThan(30);
    expect(node.messages).toEqual(["7"]);
    await expect.poll(() => inPage((api) => api.messages, null)).toEqual(["1,2,3"]);
    expect(node.faults).toEqual([]);
    expect(chromium.log.filter((line) => line.startsWith("error"))).toEqual([]);
    await Promise.all([node.link.close(), inPage((api) => api.close(), null)]);
  });

  it.each(["node", "chromium"] as const)("tell each other capture times when %s offers", async (offerer) => {
    const node = await connect(offerer);
    const audio = node.link.audio;
    if (audio?.level !== "packet") throw new Error("Node sends packets");
    expect(audio.captureTimeId).toBeGreaterThan(0);

    // Node's clock is an hour behind, so that Chromium cannot take the time from its own. Every fifth packet tells.
    const beganMs = Date.now();
    const captureMsOf = (sequenceNumber: number): number => beganMs - 3_600_000 + sequenceNumber * 20;
    const speaking = inPage((api) => api.speak(40), null);
    for (let sequenceNumber = 1; sequenceNumber <= 40; sequenceNumber++) {
      const tells = sequenceNumber % 5 === 1;
      const plain = silentPacket(audio.payloadType, sequenceNumber);
      audio.sendRtp(tells ? timedPacket(audio, sequenceNumber, captureMsOf(sequenceNumber) * 1000) : plain);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    await speaking;

    await expect.poll(() => inPage((api) => api.frames.at(-1)?.sequenceNumber, null)).toBe(40);
    const frames = await inPage((api) => api.frames, null);
    // The first packets may come before the page listens.
    const later = frames.filter(({ sequenceNumber }) => sequenceNumber > 15);
    expect(later.length).toBeGreaterThan(15);
    for (const { sequenceNumber, captureMs } of later) {
      expect(captureMs).toBeCloseTo(captureMsOf(sequenceNumber), 1);
    }
    const told = node.rtp.flatMap((packet) => captureUsOf(packet, audio.captureTimeId) ?? []);
    expect(told.length).toBeGreaterThan(0);
    for (const captureUs of told) {
      expect(captureUs).toBeGreaterThan((beganMs - 1000) * 1000);
      expect(captureUs).toBeLessThan((Date.now() + 1000) * 1000);
    }
    expect(node.faults).toEqual([]);
    await Promise.all([node.link.close(), inPage((api) => api.close(), null)]);
  });
});
