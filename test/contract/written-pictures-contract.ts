// What links whose video is of level `track` must do with pictures that are written to them: browsers, in a page.
import { describe, expect, it } from "vitest";
import type { EncodedVideoFrame, TrackVideoPort } from "../../src/platform/video-link.ts";
import { connect, pass, until } from "./link-pair.ts";
import type { LinkFixture, RecordedLink } from "./link-pair.ts";
import { movingPicture } from "./pictures.ts";
import { agreementOf, ALL_CODECS, codeOf, rejection, useVideoLinks } from "./video-pair.ts";

const [WIDTH, HEIGHT] = [160, 96];
const FRAME_MS = 33;

/** Declare the suite for the platform behind `makeFixture`. @param name of the platform, for the reports */
export function describeWrittenPictures(name: string, makeFixture: () => LinkFixture): void {
  describe(`pictures written to ${name}`, { timeout: 30_000 }, () => {
    const links = useVideoLinks(makeFixture);

    it("carries written pictures both ways as coded ones, each once, beginning with a keyframe", async () => {
      const [a, b] = links.pair();
      await connect(links.fixture, a, b);
      for (const [from, to] of [
        [a, b],
        [b, a],
      ] as const) {
        await writeUntil(links.fixture, from, () => to.pictures.length >= 8);
        const [first] = to.pictures;
        expect(first).toMatchObject({ isKeyframe: true, width: WIDTH, height: HEIGHT, codec: "VP9" });
        expect(first?.payloadType).toBe(agreementOf(to).payloadType);
        const stamps = to.pictures.map(({ ssrc, rtpTimestamp }) => `${ssrc}/${rtpTimestamp}`);
        expect(new Set(stamps).size).toBe(stamps.length);
        expect(to.pictures.every(({ data }) => data.length > 0)).toBe(true);
        for (const { arrivalMs } of to.pictures)
          expect(arrivalMs).toBeLessThanOrEqual(links.fixture.left.clock.now());
      }
      expect([...a.faults, ...b.faults]).toEqual([]);
    });

    it("gets a keyframe when it asks for one, and none otherwise", async () => {
      const [a, b] = links.pair();
      await connect(links.fixture, a, b);
      await writeUntil(links.fixture, a, () => b.pictures.length >= 40);
      const before = keyframes(b).length;
      // The browser's own decoder is content with what it gets: at most it asks once, while that is being made.
      expect(before).toBeLessThanOrEqual(2);
      trackVideo(b).requestKeyframe();
      await writeUntil(links.fixture, a, () => keyframes(b).length > before);
    });

    it("tells when the pictures that leave were captured, as the program has said", async () => {
      const [a, b] = links.pair();
      await connect(links.fixture, a, b);
      const hourMs = 3_600_000;
      const written = await writeUntil(links.fixture, a, () => a.videoMarks.length >= 6, { shiftMs: hourMs });
      const spoken = new Set(written.map((ms) => Math.round(ms * 1000)));
      for (const { captureMs } of a.videoMarks) expect(spoken.has(Math.round(captureMs * 1000))).toBe(true);
      expect(a.videoMarks.map(({ captureMs }) => captureMs)).toEqual(
        a.videoMarks.map(({ captureMs }) => captureMs).sort((one, other) => one - other),
      );
      await until(links.fixture, "what was told of has come", () => {
        const known = new Set(b.pictures.map(({ rtpTimestamp }) => rtpTimestamp));
        return a.videoMarks.some(({ rtpTimestamp }) => known.has(rtpTimestamp));
      });
    });

    it.each(ALL_CODECS)("codes in %s", async (codec) => {
      const [a, b] = links.pair({ codecs: [codec] });
      await connect(links.fixture, a, b);
      await writeUntil(links.fixture, a, () => b.pictures.length >= 3);
      expect(new Set(b.pictures.map((picture) => picture.codec))).toEqual(new Set([codec]));
    });

    it("turns pictures before they are coded", async () => {
      const [a, b] = links.pair();
      await connect(links.fixture, a, b);
      await writeUntil(links.fixture, a, () => keyframes(b).length > 0, { rotation: 90 });
      expect(keyframes(b)[0]).toMatchObject({ width: HEIGHT, height: WIDTH });
    });

    it("refuses pictures whose planes do not fit, and tracks that are none", async () => {
      const port = trackVideo(links.open("left"));
      const short = { ...movingPicture(WIDTH, HEIGHT, 0), width: WIDTH + 2 };
      expect(codeOf(() => port.write(short, 0))).toBe("INVALID_DATA");
      expect(await rejection(port.useTrack({}))).toBe("INVALID_DATA");
    });

    it("knows what the browser does for it", async () => {
      const [a, b] = links.pair({ bitrateKbps: 400, minBitrateKbps: 100 });
      await connect(links.fixture, a, b);
      await writeUntil(links.fixture, a, () => b.pictures.length >= 10);
      const [sender, receiver] = [await a.link.statistics(), await b.link.statistics()];
      expect(sender.video?.out?.framesEncoded).toBeGreaterThan(5);
      expect(sender.video?.out?.keyFramesEncoded).toBeGreaterThan(0);
      expect(sender.video?.out).toMatchObject({ width: WIDTH, height: HEIGHT, firCount: 0 });
      expect(sender.video?.out?.targetBps).toBeLessThanOrEqual(400_000);
      expect(receiver.video?.in?.framesReceived).toBeGreaterThan(5);
      expect(receiver.video?.in?.ssrc).toBe(sender.video?.out?.ssrc);
    });

    it("does nothing any more once it is closed", async () => {
      const [a, b] = links.pair();
      await connect(links.fixture, a, b);
      await writeUntil(links.fixture, a, () => b.pictures.length >= 2);
      await a.link.close();
      const port = trackVideo(a);
      port.write(movingPicture(WIDTH, HEIGHT, 0), 0);
      port.requestKeyframe();
      await port.setBitrate(100);
      await pass(links.fixture, 50);
      expect(a.faults).toEqual([]);
    });
  });
}

function trackVideo({ link }: RecordedLink): TrackVideoPort {
  if (link.video?.level !== "track") throw new Error("the link has no track video");
  return link.video;
}

function keyframes({ pictures }: RecordedLink): EncodedVideoFrame[] {
  return pictures.filter(({ isKeyframe }) => isKeyframe);
}

/** How to write pictures. */
interface Writing {
  /** Their capture times are so far from now, ms. */
  shiftMs?: number;
  rotation?: 0 | 90;
}

/** Write pictures until `done`. @returns their capture times, Unix ms */
async function writeUntil(
  fixture: LinkFixture,
  from: RecordedLink,
  done: () => boolean,
  { shiftMs = 0, rotation = 0 }: Writing = {},
): Promise<number[]> {
  const { clock } = fixture.left;
  const written: number[] = [];
  let dueMs = clock.now();
  await until(fixture, "enough pictures have come", () => {
    if (clock.now() < dueMs) return done();
    dueMs = Math.max(dueMs + FRAME_MS, clock.now());
    const captureMs = clock.wallNow() + shiftMs;
    trackVideo(from).write(movingPicture(WIDTH, HEIGHT, written.length), captureMs * 1000, rotation);
    written.push(captureMs);
    return done();
  });
  return written;
}
