import { describe, expect, it } from "vitest";
import { SentPictures, VideoJudge } from "../../../../src/cli/demo/video/video-judge.ts";
import type { ReceivedPicture } from "../../../../src/cli/demo/video/video-judge.ts";

/** Of a sender with 25 pictures a second, handed in 5 ms after their capture. */
const STEP_MS = 40;
const captureMs = (number: number): number => number * STEP_MS;

function sentPictures(count: number, first = 0): SentPictures {
  const sent = new SentPictures();
  for (let i = 0; i < count; i++) sent.sent(first + i, captureMs(i) + 5, captureMs(i));
  return sent;
}

function picture(frameNumber: number | undefined, rest: Partial<ReceivedPicture> = {}): ReceivedPicture {
  const receivedMs = captureMs(frameNumber ?? 0) + 70;
  return { frameNumber, receivedMs, isKeyframe: false, psnrDb: undefined, avOffsetMs: undefined, ...rest };
}

/** A judge of pictures that are sent after it has been made. */
function judgeOf(count: number): VideoJudge {
  const sent = new SentPictures();
  const judge = new VideoJudge("alice", sent);
  for (let i = 0; i < count; i++) sent.sent(i, captureMs(i) + 5, captureMs(i));
  return judge;
}

describe("a row", () => {
  it("is null where nothing is known", () => {
    expect(judgeOf(0).row(5_000)).toEqual({
      from: "alice",
      frames: 0,
      decoded: 0,
      dropped: 0,
      keyframes: 0,
      latencyMsP95: null,
      psnrDb: null,
      avOffsetMs: null,
    });
  });

  it("tells what arrived, how late, how well, and what did not", () => {
    const judge = judgeOf(100);
    for (let i = 0; i < 100; i++) {
      if (i % 10 === 3) continue;
      const receivedMs = captureMs(i) + (i >= 90 ? 200 : 60);
      const psnrDb = i % 2 === 0 ? 30 + i / 10 : undefined;
      judge.received(
        picture(i, { receivedMs, isKeyframe: i % 50 === 0, psnrDb, avOffsetMs: i < 40 ? 90 : -12 }),
      );
    }
    expect(judge.row(100 * STEP_MS + 3_000)).toEqual({
      from: "alice",
      frames: 100,
      decoded: 90,
      dropped: 10,
      keyframes: 2,
      latencyMsP95: 200,
      psnrDb: 34.8,
      avOffsetMs: -12,
    });
  });

  it("counts a picture as dropped only when it had time to come", () => {
    const judge = judgeOf(10);
    for (const number of [0, 1, 3]) judge.received(picture(number));
    expect(judge.row(captureMs(9))).toMatchObject({ frames: 3, decoded: 3, dropped: 0 });
    expect(judge.row(captureMs(2) + 2_005)).toMatchObject({ frames: 4, decoded: 3, dropped: 1 });
    expect(judge.row(captureMs(9) + 2_005)).toMatchObject({ frames: 10, decoded: 3, dropped: 7 });
    judge.received(picture(2, { receivedMs: captureMs(9) + 2_010 }));
    expect(judge.row(captureMs(9) + 2_010)).toMatchObject({ frames: 10, decoded: 4, dropped: 6 });
  });

  it("does not hold against a call what was sent before its first picture, unless there never is one", () => {
    const judge = judgeOf(100);
    expect(judge.row(20_000)).toMatchObject({ frames: 100, decoded: 0, dropped: 100 });
    judge.received(picture(80, { receivedMs: 20_000 }));
    expect(judge.row(20_000)).toMatchObject({ frames: 20, decoded: 1, dropped: 19 });
  });

  it("misses nothing of what was sent while a call begins, and counts what came of it", () => {
    const sent = new SentPictures();
    const judge = new VideoJudge("alice", sent, 4_000);
    for (let i = 0; i < 200; i++) sent.sent(i, captureMs(i) + 5, captureMs(i));
    // From picture 20, sent at 805 ms, to 120, sent at 4805 ms; then every other one.
    for (let i = 20; i < 200; i++) if (i % 2 === 0) judge.received(picture(i));
    expect(judge.row(20_000)).toMatchObject({ decoded: 90, dropped: 40, frames: 130 });
    // Those that come late were seen, and were not missed before.
    judge.received(picture(31, { receivedMs: 20_000 }));
    judge.received(picture(131, { receivedMs: 20_000 }));
    expect(judge.row(20_000)).toMatchObject({ decoded: 92, dropped: 39, frames: 131 });
  });

  it("counts a picture of which the code cannot be read as one that came", () => {
    const judge = judgeOf(10);
    for (let i = 0; i < 10; i++)
      judge.received(picture(i === 4 ? undefined : i, { receivedMs: captureMs(i) + 70 }));
    expect(judge.row(9_000)).toMatchObject({ frames: 10, decoded: 10, dropped: 0 });
    expect(judge.unreadable).toBe(1);
  });

  it("counts a picture once, however often it is shown", () => {
    const judge = judgeOf(3);
    for (const number of [0, 1, 1, 1, 2]) judge.received(picture(number));
    expect(judge.row(9_000)).toMatchObject({ frames: 3, decoded: 3, dropped: 0 });
  });
});

describe("pictures", () => {
  it("that were sent before the judge was made do not count as dropped", () => {
    const sent = sentPictures(50);
    const judge = new VideoJudge("bob", sent);
    for (let i = 50; i < 60; i++) sent.sent(i, captureMs(i), captureMs(i));
    expect(judge.row(20_000)).toMatchObject({ frames: 10, dropped: 10 });
  });

  it("that come before it is told that they were sent wait for that", () => {
    const sent = new SentPictures();
    const judge = new VideoJudge("page", sent);
    for (let i = 0; i < 5; i++) judge.received(picture(i));
    expect(judge.row(300)).toMatchObject({ decoded: 0 });
    for (let i = 0; i < 5; i++) sent.sent(i, captureMs(i), captureMs(i));
    expect(judge.row(300)).toMatchObject({ frames: 5, decoded: 5, latencyMsP95: 70 });
    expect(judge.unknown).toBe(0);
  });

  it("of which it is never told that they were sent are counted apart, and forgotten", () => {
    const judge = judgeOf(0);
    for (let i = 0; i < 300; i++) judge.received(picture(i, { receivedMs: 0 }));
    expect(judge.unknown).toBe(44);
    expect(judge.row(2_000)).toMatchObject({ frames: 0, decoded: 0 });
    expect(judge.unknown).toBe(300);
  });

  it("go on when their numbers begin anew", () => {
    const sent = new SentPictures();
    const judge = new VideoJudge("alice", sent);
    for (let i = 0; i < 8; i++) {
      sent.sent(2 ** 24 - 4 + i, captureMs(i), captureMs(i));
      judge.received(picture((2 ** 24 - 4 + i) % 2 ** 24, { receivedMs: captureMs(i) + 33 }));
    }
    expect(judge.row(9_000)).toMatchObject({ frames: 8, decoded: 8, dropped: 0, latencyMsP95: 33 });
  });

  it("of hours are counted, and only the newest remembered", () => {
    const sent = new SentPictures();
    const judge = new VideoJudge("alice", sent);
    for (let i = 0; i < 20_000; i++) {
      sent.sent(i, captureMs(i), captureMs(i));
      if (i % 4 !== 1)
        judge.received(picture(i, { psnrDb: i < 18_000 ? 20 : 40, avOffsetMs: i < 19_000 ? 50 : 5 }));
    }
    expect(judge.row(captureMs(20_000) + 3_000)).toEqual({
      from: "alice",
      frames: 20_000,
      decoded: 15_000,
      dropped: 5_000,
      keyframes: 0,
      latencyMsP95: 70,
      psnrDb: 40,
      avOffsetMs: 5,
    });
    expect(sent.placeOf(20_000 - 1_025)).toBeUndefined();
    expect(sent.placeOf(19_999)).toBe(19_999);
  });

  it("that nobody asked about for long are dropped, though they are forgotten", () => {
    const judge = judgeOf(5_000);
    judge.received(picture(4_999, { receivedMs: captureMs(4_999) + 50 }));
    expect(judge.row(captureMs(5_000) + 3_000)).toMatchObject({ frames: 1, decoded: 1, dropped: 0 });
    expect(judgeOf(5_000).row(captureMs(5_000) + 3_000)).toMatchObject({ frames: 5_000, dropped: 5_000 });
  });
});
