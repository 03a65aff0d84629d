// A video link of Node and one of Chromium, joined: packets of Node become coded pictures in the page, and what the page
// writes comes to Node as packets of the browser's own encoder, which follows Node's feedback.
import { afterAll, beforeAll, expect, it } from "vitest";
import { createNodePlatform } from "../../src/platform/node/node-platform.ts";
import type { IceCandidate, PeerLink, PeerLinkOptions } from "../../src/platform/platform.ts";
import type { PacketVideoPort, SentVideoMark, VideoAgreement } from "../../src/platform/video-link.ts";
import { buildCaptureTime, captureTimeOf } from "../../src/rtp/capture-time.ts";
import { buildExtensions, readExtensions } from "../../src/rtp/extensions.ts";
import { buildRtp, parseRtp } from "../../src/rtp/packet.ts";
import type { RtpPacket } from "../../src/rtp/packet.ts";
import { buildRtcp, parseRtcp } from "../../src/rtp/rtcp/packets.ts";
import { transportFeedback } from "../../src/rtp/rtcp/transport-cc.ts";
import type { PacketArrival } from "../../src/rtp/rtcp/transport-cc.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { openBrowserPage } from "./browser-harness.ts";
import type { BrowserPage } from "./browser-harness.ts";

const SSRC = 0x1234_5678;
const OPTIONS: PeerLinkOptions = {
  name: "link",
  iceServers: [],
  iceTransportPolicy: "all",
  video: {
    ...{ ssrc: SSRC, rtxSsrc: 0x1234_5679, cname: "node", codecs: ["VP9", "VP8"] },
    ...{ bitrateKbps: 2_500, minBitrateKbps: 100, framerateFps: 30 },
  },
  channels: [],
};
const [WIDTH, HEIGHT] = [320, 180];
/** A frame every 40 ms. */
const FRAME_MS = 40;
/** Bytes of a frame in one packet. */
const PAYLOAD_BYTES = 1_000;
/** Between two packets of feedback, ms. */
const FEEDBACK_MS = 50;

/** What a page says of a picture that has come. */
interface SeenPicture {
  rtpTimestamp: number;
  ssrc: number;
  payloadType: number;
  codec: string;
  isKeyframe: boolean;
  width?: number;
  height?: number;
  captureMs?: number;
  bytes: number[];
}

/** What the page below exports. */
interface PageApi {
  open(options: PeerLinkOptions): Promise<void>;
  link: PeerLink;
  pictures: SeenPicture[];
  marks: SentVideoMark[];
  encode(size: { width: number; height: number; count: number }): Promise<number[][]>;
  write(how: { width: number; height: number; shiftMs: number }): void;
  stop(): void;
  close(): Promise<void>;
}

const PAGE = `
  import { createBrowserPlatform } from "../../src/platform/browser/browser-platform.ts";
  import { movingPicture } from "../contract/pictures.ts";
  const platform = createBrowserPlatform();
  export let link;
  export let pictures = [];
  export let marks = [];
  let timer;
  export async function open(options) {
    await platform.loadVideoCodecs();
    pictures = [];
    marks = [];
    link = platform.openPeerLink(options, {
      candidate: (candidate) => fromPage(candidate),
      state: () => undefined, rtp: () => undefined, rtcp: () => undefined, channel: () => undefined,
      frame: () => undefined, sent: () => undefined,
      videoFrame: ({ data, ...frame }) => pictures.push({ ...frame, bytes: [...data] }),
      sentVideo: (mark) => marks.push(mark),
      fault: (error) => console.error(String(error)),
    });
  }
  export async function encode({ width, height, count }) {
    const frames = [];
    const encoder = new VideoEncoder({
      output: (chunk) => {
        const data = new Uint8Array(chunk.byteLength);
        chunk.copyTo(data);
        frames.push([...data]);
      },
      error: (error) => console.error(String(error)),
    });
    encoder.configure({ codec: "vp09.00.10.08", width, height, bitrate: 300_000, latencyMode: "realtime" });
    for (let index = 0; index < count; index++) {
      const { planes } = movingPicture(width, height, index);
      const data = new Uint8Array(planes.reduce((sum, { length }) => sum + length, 0));
      planes.reduce((at, plane) => (data.set(plane, at), at + plane.length), 0);
      const frame = new VideoFrame(data, {
        format: "I420", codedWidth: width, codedHeight: height, timestamp: index * 40_000,
      });
      encoder.encode(frame, { keyFrame: index === 0 });
      frame.close();
    }
    await encoder.flush();
    encoder.close();
    return frames;
  }
  export function write({ width, height, shiftMs }) {
    let index = 0;
    timer = setInterval(() => {
      const nowMs = performance.timeOrigin + performance.now();
      link.video.write(movingPicture(width, height, index++), (nowMs + shiftMs) * 1000);
    }, 33);
  }
  export const stop = () => clearInterval(timer);
  export const close = () => (stop(), link.close());
`;

/** One link of Node's and everything it has reported. */
class NodeEnd {
  readonly link: PeerLink;
  readonly packets: RtpPacket[] = [];
  readonly feedback: string[] = [];
  readonly faults: unknown[] = [];
  #arrivals: PacketArrival[] = [];
  #baseSequence = 0;
  #feedbackCount = 0;

  constructor(candidate: (candidate: IceCandidate) => void) {
    this.link = createNodePlatform().openPeerLink(
      { ...OPTIONS, bindAddress: "127.0.0.1" },
      {
        candidate,
        state: () => undefined,
        rtp: (bytes, arrivalMs) => this.#take(bytes, arrivalMs),
        rtcp: (bytes) => this.feedback.push(...parseRtcp(bytes).packets.map(({ type }) => type)),
        frame: () => undefined,
        sent: () => undefined,
        channel: () => undefined,
        fault: (error) => this.faults.push(error),
      },
    );
  }

  get port(): PacketVideoPort {
    if (this.link.video?.level !== "packet") throw new Error("Node sends packets");
    return this.link.video;
  }

  get agreement(): VideoAgreement {
    const { agreement } = this.port;
    if (agreement === undefined) throw new Error("nothing is agreed on");
    return agreement;
  }

  /** Packets of the stream itself that hold something: neither padding nor what is sent again. */
  get media(): RtpPacket[] {
    const { payloadType } = this.agreement;
    return this.packets.filter((packet) => packet.payloadType === payloadType && packet.payload.length > 0);
  }

  /** First packets of keyframes: the start of a frame that is predicted from none (RFC 9628 section 4.2). */
  get keyframes(): RtpPacket[] {
    return this.media.filter(({ payload }) => ((payload[0] ?? 0) & 0x48) === 0x08);
  }

  requestKeyframe(): void {
    this.#sendRtcp({ type: "pli", senderSsrc: SSRC, mediaSsrc: this.media[0]?.ssrc ?? 0 });
  }

  /** Report what has come since the last report. */
  reportArrivals(): void {
    const arrivals = this.#arrivals.splice(0);
    const mediaSsrc = this.media[0]?.ssrc ?? 0;
    const last = arrivals.at(-1);
    if (last === undefined) return;
    const options = { senderSsrc: SSRC, mediaSsrc, baseSequence: this.#baseSequence };
    const reports = transportFeedback(arrivals, { ...options, feedbackCount: this.#feedbackCount });
    this.#baseSequence = (last.sequenceNumber + 1) & 0xffff;
    this.#feedbackCount = (this.#feedbackCount + reports.length) & 0xff;
    for (const report of reports) this.#sendRtcp(report);
  }

  #sendRtcp(packet: Parameters<typeof buildRtcp>[0][number]): void {
    this.port.sendRtcp(buildRtcp([{ type: "receiver-report", ssrc: SSRC, blocks: [] }, packet]));
  }

  #take(bytes: Uint8Array, arrivalMs: number): void {
    const packet = parseRtp(bytes);
    if (typeof packet === "string") return;
    this.packets.push(packet);
    const elements = packet.extension === undefined ? [] : readExtensions(packet.extension);
    const data = elements.find(({ id }) => id === this.link.video?.agreement?.transportCcId)?.data;
    const [high, low] = data ?? [];
    if (high === undefined || low === undefined) return;
    this.#arrivals.push({ sequenceNumber: high * 256 + low, receivedUs: Math.round(arrivalMs * 1000) });
  }
}

/** Packets of one VP9 frame (RFC 9628 section 4.2): flexible mode, predicted from the frame before unless it is first. */
function packetsOf(
  frame: readonly number[],
  index: number,
  firstSequence: number,
  end: NodeEnd,
): Uint8Array[] {
  const { payloadType, captureTimeId, transportCcId } = end.agreement;
  const packets: Uint8Array[] = [];
  const captureUs = captureMsOf(index) * 1000;
  for (let at = 0; at < frame.length; at += PAYLOAD_BYTES) {
    const isLast = at + PAYLOAD_BYTES >= frame.length;
    const sequenceNumber = (firstSequence + packets.length) & 0xffff;
    const flags = 0x90 | (index > 0 ? 0x40 : 0) | (at === 0 ? 0x08 : 0) | (isLast ? 0x04 : 0);
    const descriptor = [flags, 0x80 | (index >> 8), index & 0xff, ...(index > 0 ? [1 << 1] : [])];
    packets.push(
      buildRtp({
        ...{ payloadType, ssrc: SSRC, marker: isLast, timestamp: index * FRAME_MS * 90 },
        sequenceNumber,
        extension: buildExtensions([
          { id: captureTimeId, data: buildCaptureTime({ captureUs }) ?? new Uint8Array(8) },
          { id: transportCcId, data: Uint8Array.of(sequenceNumber >> 8, sequenceNumber & 0xff) },
        ]),
        payload: Uint8Array.from([...descriptor, ...frame.slice(at, at + PAYLOAD_BYTES)]),
      }),
    );
  }
  return packets;
}

/** Node's clock is an hour behind, so that Chromium cannot take times from its own. */
const beganMs = Date.now() - 3_600_000;
const captureMsOf = (index: number): number => beganMs + index * FRAME_MS;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describeUnless(NO_CHROMIUM, "video links of Node and Chromium", { timeout: 60_000 }, () => {
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
    expect(await inPage((api) => api.link.video?.agreement, null)).toEqual(node.agreement);
    // Whoever offers, frames are numbered: browsers tell of no gaps otherwise.
    expect(node.agreement.dependencyId).toBeGreaterThan(0);
    return node;
  }

  async function close(node: NodeEnd): Promise<void> {
    expect(node.faults).toEqual([]);
    expect(chromium.log.filter((line) => line.startsWith("error"))).toEqual([]);
    await Promise.all([node.link.close(), inPage((api) => api.close(), null)]);
  }

  it.each(["node", "chromium"] as const)(
    "hand Node's packets to the page when %s offers",
    async (offerer) => {
      const node = await connect(offerer);
      const frames = await inPage((api, size) => api.encode(size), {
        ...{ width: WIDTH, height: HEIGHT, count: 50 },
      });
      let sequence = 65_530;
      for (const [index, frame] of frames.entries()) {
        const packets = packetsOf(frame, index, sequence, node);
        for (const packet of packets) expect(node.port.sendRtp(packet)).toBe(true);
        sequence += packets.length;
        await sleep(FRAME_MS);
      }
      await expect.poll(() => inPage((api) => api.pictures.length, null), { timeout: 10_000 }).toBe(50);

      const pictures = await inPage((api) => api.pictures, null);
      const codec = { ssrc: SSRC, payloadType: node.agreement.payloadType, codec: "VP9" };
      expect(pictures[0]).toMatchObject({ ...codec, isKeyframe: true, width: WIDTH, height: HEIGHT });
      expect(pictures.filter(({ isKeyframe }) => isKeyframe)).toHaveLength(1);
      for (const [index, { bytes, rtpTimestamp, captureMs = NaN }] of pictures.entries()) {
        expect([index, rtpTimestamp, bytes]).toEqual([index, index * FRAME_MS * 90, frames[index]]);
        expect(Math.abs(captureMs - captureMsOf(index))).toBeLessThan(1);
      }
      // The browser's own decoder is content with what stands in for the pictures.
      expect(node.feedback.filter((type) => type === "pli").length).toBeLessThanOrEqual(1);
      expect(node.feedback).toContain("transport-cc");
      await close(node);
    },
  );

  it.each(["node", "chromium"] as const)(
    "bring the page's pictures to Node when %s offers",
    async (offerer) => {
      const node = await connect(offerer);
      await inPage((api, how) => api.write(how), { width: WIDTH, height: HEIGHT, shiftMs: 0 });
      await expect.poll(() => node.media.length, { timeout: 15_000 }).toBeGreaterThan(20);
      expect(node.keyframes.length).toBeGreaterThanOrEqual(1);

      const before = new Set(node.keyframes.map(({ timestamp }) => timestamp));
      node.requestKeyframe();
      await expect
        .poll(() => node.keyframes.some(({ timestamp }) => !before.has(timestamp)), { timeout: 15_000 })
        .toBe(true);

      // What the packets say and what the page tells of them is the same moment, but for the time the browser takes.
      await expect.poll(() => inPage((api) => api.marks.length, null)).toBeGreaterThan(2);
      // The browser says so of a picture now and then; from there on timestamps count.
      const { captureTimeId } = node.agreement;
      const told = node.media.find((packet) => captureTimeOf(packet, captureTimeId) !== undefined);
      const toldMs =
        (told === undefined ? NaN : (captureTimeOf(told, captureTimeId)?.captureUs ?? NaN)) / 1000;
      const aparts = (await inPage((api) => api.marks, null)).map(({ rtpTimestamp, captureMs }) => {
        const sinceMs = ((rtpTimestamp - (told?.timestamp ?? 0)) | 0) / 90;
        return Math.abs(toldMs + sinceMs - captureMs);
      });
      expect(aparts.sort((a, b) => a - b)[aparts.length >> 1]).toBeLessThan(100);
      await close(node);
    },
  );

  it("send faster when Node reports what arrives", async () => {
    const node = await connect("node");
    await inPage((api, how) => api.write(how), { width: 640, height: 360, shiftMs: 0 });
    const estimate = async (): Promise<number> =>
      (await inPage((api) => api.link.statistics(), null)).availableOutgoingBps ?? 0;
    await expect.poll(() => node.media.length, { timeout: 15_000 }).toBeGreaterThan(20);
    await sleep(2_000);
    const without = await estimate();
    const timer = setInterval(() => node.reportArrivals(), FEEDBACK_MS);
    try {
      await expect.poll(estimate, { timeout: 30_000, interval: 500 }).toBeGreaterThan(without * 1.2);
    } finally {
      clearInterval(timer);
    }
    await close(node);
  });
});
