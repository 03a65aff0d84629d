// Single stories of the receiver: frames out of packets, gaps and what is asked for, streams that change.
import { describe, expect, it } from "vitest";
import { VideoReceiver } from "../../../src/media/video/video-receiver.ts";
import type {
  ReceivedCodedFrame,
  VideoReceiverOptions,
  VideoReceiverOutput,
} from "../../../src/media/video/video-receiver.ts";
import { buildCaptureTime } from "../../../src/rtp/capture-time.ts";
import { buildExtensions } from "../../../src/rtp/extensions.ts";
import { buildRtp } from "../../../src/rtp/packet.ts";
import { buildRtx } from "../../../src/media/video/rtx.ts";
import { depacketizeTiny, tinyPayload } from "./tiny-format.ts";
import type { TinyFields } from "./tiny-format.ts";
import { expectBalance } from "./video-call.ts";

const CAPTURE_US = 1_790_000_000_000_000;

/** A packet of the stream: what stands at `n` is its sequence number, and `t` the number of its frame. */
interface Told extends TinyFields {
  n: number;
  t: number;
  end?: boolean;
  ssrc?: number;
  payloadType?: number;
  payload?: Uint8Array;
  captureUs?: number;
}

function rtp({
  n,
  t,
  end = true,
  ssrc = 1,
  payloadType = 98,
  payload,
  captureUs,
  ...fields
}: Told): Uint8Array {
  const captureTime = captureUs === undefined ? undefined : buildCaptureTime({ captureUs });
  const data = Uint8Array.of(n & 0xff);
  return buildRtp({
    ssrc,
    payloadType,
    sequenceNumber: n,
    timestamp: t * 3000,
    marker: end,
    payload: payload ?? tinyPayload({ isFrameStart: true, data, ...fields }),
    extension: captureTime && buildExtensions([{ id: 3, data: captureTime }]),
  });
}

/** A receiver and what came of it, under a clock of its own. */
class Trial {
  readonly receiver: VideoReceiver;
  nowMs = 0;
  readonly log: string[] = [];
  readonly frames: ReceivedCodedFrame[] = [];

  constructor(options: Partial<VideoReceiverOptions> = {}) {
    this.receiver = new VideoReceiver({
      payloadType: 98,
      depacketize: depacketizeTiny,
      captureTimeId: 3,
      ...options,
    });
  }

  /** Receive packets one ms apart. */
  get(...packets: Told[]): this {
    for (const packet of packets) this.handle({ type: "rtp", packet: rtp(packet), arrivalMs: ++this.nowMs });
    return this;
  }

  /** Let time pass, with all timeouts. */
  wait(ms: number): this {
    const untilMs = this.nowMs + ms;
    while (this.receiver.deadlineMs <= untilMs) {
      expect(this.receiver.deadlineMs).toBeGreaterThanOrEqual(this.nowMs);
      this.nowMs = this.receiver.deadlineMs;
      this.handle({ type: "timeout" });
    }
    this.nowMs = untilMs;
    return this;
  }

  handle(input: Parameters<VideoReceiver["handle"]>[0]): this {
    this.receiver.handle(input, this.nowMs);
    for (let out = this.receiver.poll(); out !== undefined; out = this.receiver.poll()) this.#note(out);
    expectBalance(this);
    return this;
  }

  /** What came out since the last call, each with its time. */
  news(): string[] {
    return this.log.splice(0);
  }

  #note(output: VideoReceiverOutput): void {
    if (output.type === "frame") {
      this.frames.push(output.frame);
      this.log.push(
        `${this.nowMs} frame ${output.frame.rtpTimestamp / 3000}: ${output.frame.data.join(" ")}`,
      );
    } else if (output.type === "nack")
      this.log.push(`${this.nowMs} nack ${output.sequenceNumbers.join(" ")}`);
    else this.log.push(`${this.nowMs} pli`);
  }
}

const isKeyframe = true;
const middle = { isFrameStart: false };
const untold = { isFrameStart: undefined };

describe("a receiver of video", () => {
  it("hands out a frame when its last packet has come, in whatever order", () => {
    const trial = new Trial().get(
      { n: 65_534, t: 1, isKeyframe, end: false, size: [640, 360], captureUs: CAPTURE_US },
      { n: 0, t: 1, ...middle },
      { n: 1, t: 2 },
      { n: 65_535, t: 1, ...middle, end: false },
    );
    expect(trial.news()).toEqual(["4 frame 1: 254 255 0", "4 frame 2: 1"]);
    expect(trial.frames).toMatchObject([
      {
        isKeyframe,
        width: 640,
        height: 360,
        rtpTimestamp: 3000,
        rtpSequence: 65_534,
        ssrc: 1,
        captureUs: CAPTURE_US,
      },
      {
        isKeyframe: false,
        width: 640,
        height: 360,
        rtpSequence: 1,
        arrivalMs: 3,
        firstArrivalMs: 3,
        captureUs: undefined,
      },
    ]);
    expect(trial.frames[0]).toMatchObject({ firstArrivalMs: 1, arrivalMs: 4 });
  });

  describe("asks for what is missing, and for a keyframe when that does not come soon:", () => {
    const late = (): Trial => {
      const trial = new Trial()
        .handle({ type: "rtt", rttMs: 40 })
        .get({ n: 1, t: 1, isKeyframe }, { n: 3, t: 3 });
      const news = ["1 frame 1: 1", "12 nack 2", "72 nack 2", "132 nack 2", "182 pli", "192 nack 2"];
      expect(trial.wait(250).news()).toEqual([...news, "252 nack 2"]);
      return trial;
    };

    it("goes on from the keyframe where it comes first", () => {
      const trial = late().get({ n: 4, t: 4 }, { n: 5, t: 5, isKeyframe }, { n: 2, t: 2 }, { n: 6, t: 6 });
      expect(trial.news()).toEqual(["254 frame 5: 5", "256 frame 6: 6"]);
      const counted = { lost: 1, late: 1, undecodable: 2, recovered: 0, keyframes: 2, plis: 1, nacks: 5 };
      expect(trial.receiver.counters).toMatchObject(counted);
    });

    it("leaves nothing out where the missing one comes first", () => {
      const trial = late().get({ n: 4, t: 4 }, { n: 2, t: 2 }, { n: 5, t: 5, isKeyframe });
      expect(trial.news().map((line) => line.replace(/^\d+ /, ""))).toEqual([
        ...["frame 2: 2", "frame 3: 3", "frame 4: 4", "frame 5: 5"],
      ]);
      expect(trial.receiver.counters).toMatchObject({
        lost: 0,
        late: 0,
        undecodable: 0,
        recovered: 1,
        plis: 1,
      });
    });

    it.each([
      { name: "keeps two", n: 4, lost: 0 },
      { name: "gives up at once where so much is missing that the path must be full", n: 5, lost: 1 },
    ])("$name", ({ n, lost }) => {
      const trial = new Trial().get({ n: 1, t: 1, isKeyframe }, { n, t: n }).wait(190);
      expect(trial.news().at(-1)).toBe("182 pli");
      expect(trial.receiver.counters).toMatchObject({ lost });
    });

    it("gives up in the end", () => {
      const trial = late().wait(260);
      expect(trial.receiver.counters).toMatchObject({ lost: 1, undecodable: 1, buffered: 0 });
      expect(trial.get({ n: 4, t: 4 }, { n: 2, t: 2 }).receiver.counters).toMatchObject({
        late: 1,
        undecodable: 2,
      });
    });
  });

  it("waits for 180 ms or two and a half round trips, up to its bound; not at all where no answer can come in time", () => {
    const pliAfter = (rttMs: number, maxWaitMs?: number): number => {
      const trial = new Trial(maxWaitMs === undefined ? {} : { maxWaitMs });
      trial.handle({ type: "rtt", rttMs }).get({ n: 1, t: 1, isKeyframe }, { n: 3, t: 3 }).wait(5000);
      return Number.parseInt(trial.news().find((line) => line.endsWith("pli")) ?? "", 10) - 2;
    };
    expect([pliAfter(10), pliAfter(100), pliAfter(300), pliAfter(600)]).toEqual([180, 290, 500, 40]);
    expect([pliAfter(10, 60), pliAfter(1500, 9999), pliAfter(10, 0)]).toEqual([60, 2000, 0]);
  });

  it("takes in what comes again in a stream of its own, and counts it as recovered", () => {
    const trial = new Trial({ rtx: { ssrc: 2, payloadType: 99 } });
    const again = (payload: Uint8Array): Told => ({ n: 9, t: 2, ssrc: 2, payloadType: 99, payload });
    trial.get(again(buildRtx({ sequenceNumber: 1, payload: tinyPayload({}) })));
    trial.get({ n: 1, t: 1, isKeyframe }, { n: 3, t: 3 });
    trial.get(
      again(
        buildRtx({ sequenceNumber: 2, payload: tinyPayload({ isFrameStart: true, data: Uint8Array.of(2) }) }),
      ),
    );
    trial.get(again(Uint8Array.of(0, 7)), { ...again(Uint8Array.of(0, 7, 1)), payloadType: 50 });
    expect(trial.news()).toEqual(["2 frame 1: 1", "4 frame 2: 2", "4 frame 3: 3"]);
    expect(trial.receiver.counters).toMatchObject({ recovered: 1, padding: 1, otherStream: 2 });
  });

  it("goes on after an upper layer's loss without a keyframe, and holds back only what refers to it", () => {
    const frame = (n: number, ...references: number[]): Told => ({ n, t: n, pictureId: n, references });
    const trial = new Trial().get(
      { ...frame(1), isKeyframe },
      frame(3, 2),
      frame(4, 1),
      frame(6, 1),
      frame(7, 3),
    );
    expect(
      trial
        .wait(400)
        .news()
        .filter((line) => !line.includes("nack")),
    ).toEqual(["1 frame 1: 1", "182 frame 3: 3", "182 frame 4: 4", "184 frame 7: 7"]);
  });

  it("counts packets without media as come, wherever they stand, and never as a part of a frame", () => {
    const empty = { payload: new Uint8Array() };
    const trial = new Trial().get(
      { n: 1, t: 1, isKeyframe, end: false, ...untold, size: [64, 64] },
      { n: 2, t: 1, ...untold },
      { n: 3, t: 1, ...empty },
      { n: 4, t: 9, payloadType: 111 },
      { n: 5, t: 2, ...untold, end: false },
      { n: 6, t: 2, ...empty },
      { n: 7, t: 2, ...untold },
    );
    expect(trial.wait(30).news()).toEqual(["31 frame 1: 1 2", "31 frame 2: 5 7"]);
    expect(trial.receiver.counters).toMatchObject({ padding: 2 + 1, delivered: 4 });
  });

  describe("of a format that does not tell where frames begin", () => {
    it("begins with what can only stand in front, else behind a marker", () => {
      const front = new Trial().get(
        { n: 1, t: 1, ...untold, isKeyframe, size: [64, 64] },
        { n: 2, t: 2, ...untold },
      );
      expect(front.wait(100).news()).toEqual(["31 frame 1: 1", "31 frame 2: 2"]);
      const behind = new Trial().get(
        { n: 1, t: 1, ...untold, isKeyframe },
        { n: 2, t: 2, ...untold, isKeyframe },
      );
      expect(behind.wait(100).news()).toEqual(["2 frame 2: 2"]);
    });

    it("drops the frame that a gap ends in, for its beginning may be lost", () => {
      const trial = new Trial().get({ n: 1, t: 1, ...untold, isKeyframe, size: [64, 64] }).wait(40);
      trial.get(
        { n: 3, t: 3, ...untold, isKeyframe },
        { n: 4, t: 4, ...untold, isKeyframe, end: false },
        { n: 5, t: 4, ...untold },
      );
      expect(
        trial
          .wait(190)
          .news()
          .filter((line) => !line.includes("nack")),
      ).toEqual(["31 frame 1: 1", "222 frame 4: 4 5"]);
      expect(trial.receiver.counters).toMatchObject({ incomplete: 1, lost: 1 });
    });
  });

  it("drops a frame whose end never comes, at the next one's beginning or after two seconds", () => {
    const torn = new Trial().get(
      { n: 1, t: 1, isKeyframe },
      { n: 2, t: 2, end: false },
      { n: 3, t: 3, isKeyframe },
    );
    expect(torn.news()).toEqual(
      ["1 frame 1: 1", "3 pli", "3 frame 3: 3"].filter((line) => !line.includes("pli")),
    );
    const stale = new Trial().get({ n: 1, t: 1, isKeyframe }, { n: 2, t: 2, end: false }).wait(3000);
    expect(stale.news()).toContain("2002 pli");
    expect(stale.receiver.counters).toMatchObject({ incomplete: 1, buffered: 0 });
  });

  it("goes over to another SSRC and ignores stragglers of the one before", () => {
    const trial = new Trial().get({ n: 1, t: 1, isKeyframe }, { n: 9, t: 1, isKeyframe, ssrc: 5 });
    trial.get({ n: 2, t: 2 }, { n: 10, t: 2, ssrc: 5 }, { n: 1, t: 1, ssrc: 6, payloadType: 50 });
    expect(trial.news()).toEqual(["1 frame 1: 1", "2 frame 1: 9", "4 frame 2: 10"]);
    expect(trial.receiver.counters).toMatchObject({ otherStream: 2, ssrc: 5, plis: 0 });
  });

  it("begins anew where the numbers jump, and asks for a keyframe", () => {
    const trial = new Trial().get({ n: 1, t: 1, isKeyframe }, { n: 30_000, t: 90 }, { n: 30_001, t: 91 });
    trial.get({ n: 30_002, t: 92, isKeyframe });
    expect(trial.news()).toEqual(["1 frame 1: 1", "3 pli", "4 frame 92: 50"]);
  });

  it("does not wait for more than 200 missing packets", () => {
    const trial = new Trial().get(
      { n: 1, t: 1, isKeyframe },
      { n: 300, t: 9 },
      { n: 301, t: 10, isKeyframe },
    );
    expect(trial.wait(500).news()).toEqual(["1 frame 1: 1", "2 pli", "3 frame 10: 45"]);
  });

  it("stops at a frame that the decoder could not use, unless a keyframe has come since", () => {
    const trial = new Trial().get({ n: 1, t: 1, isKeyframe }, { n: 2, t: 2 });
    trial
      .handle({ type: "undecodable", position: 2 ** 32 * 5 + 6000 })
      .get({ n: 3, t: 3 }, { n: 4, t: 4, isKeyframe });
    trial.handle({ type: "undecodable", position: 9000 }).get({ n: 5, t: 5 });
    expect(trial.news()).toEqual(["1 frame 1: 1", "2 frame 2: 2", "2 pli", "4 frame 4: 4", "5 frame 5: 5"]);
    expect(trial.receiver.counters.decodeFailures).toBe(2);
  });

  it("asks for a keyframe when a reader wants one, as soon as there is a stream", () => {
    const trial = new Trial().handle({ type: "keyframe-wanted" });
    expect(trial.receiver.deadlineMs).toBe(Infinity);
    trial.get({ n: 1, t: 1, isKeyframe }).handle({ type: "keyframe-wanted" }).get({ n: 2, t: 2 });
    expect(trial.news()).toEqual(["1 frame 1: 1", "1 pli", "2 frame 2: 2"]);
  });

  it("asks again for a payload that makes no sense", () => {
    const trial = new Trial().get(
      { n: 1, t: 1, isKeyframe },
      { n: 2, t: 2, payload: Uint8Array.of(1) },
      { n: 3, t: 3 },
    );
    expect(trial.wait(12).news()).toEqual(["1 frame 1: 1", "13 nack 2"]);
    trial.get({ n: 2, t: 2 });
    expect(trial.news()).toEqual(["16 frame 2: 2", "16 frame 3: 3"]);
    expect(trial.receiver.counters).toMatchObject({ unreadable: 1, recovered: 1 });
  });
});
