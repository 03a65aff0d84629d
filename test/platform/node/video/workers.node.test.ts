// The threads behind video codecs: who shares one, who is disturbed when one breaks, and when they end.
import { readdirSync, readFileSync } from "node:fs";
import type { Worker } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createNodeVideoCodecs } from "../../../../src/platform/node/video/node-video-codecs.ts";
import { spawnVideoWorker } from "../../../../src/platform/node/video/video-thread.ts";
import type { EncodedPicture, VideoCodecs } from "../../../../src/platform/video-codecs.ts";
import { bundle, discard, start } from "../child.ts";
import type { Ending } from "../child.ts";
import { movingPicture } from "./pictures.ts";
import { Recorder, recordedDecoder, recordedEncoder } from "./recorder.ts";

const PATIENCE_MS = 120_000;
const SMALL = { codec: "VP8", width: 160, height: 90, bitrateKbps: 200 } as const;

let workers: Worker[];
let codecs: VideoCodecs;

beforeEach(() => {
  workers = [];
  codecs = createNodeVideoCodecs(async () => {
    const worker = await spawnVideoWorker();
    workers.push(worker);
    return worker;
  });
});
afterEach(() => codecs.close());

const picture = movingPicture(160, 90, 0);
const ended = (worker: Worker | undefined): Promise<unknown> =>
  new Promise((resolve) => worker?.once("exit", resolve));

describe("workers of video codecs", { timeout: PATIENCE_MS }, () => {
  it("are one for each encoder, and encoders do not meet", async () => {
    const [left, right] = await Promise.all([recordedEncoder(codecs, SMALL), recordedEncoder(codecs, SMALL)]);
    expect(workers.length).toBe(2);
    const coded = await Promise.all([left.encode(picture, 0), right.encode(movingPicture(160, 90, 9), 90)]);
    expect(coded.map(({ position }) => position)).toEqual([0, 90]);
    expect([left.heard.coded.length, right.heard.coded.length]).toEqual([1, 1]);
  });

  it("are one for four decoders, and a fifth gets the place that one leaves", async () => {
    const decoders = await Promise.all(Array.from({ length: 5 }, () => recordedDecoder(codecs, "VP8")));
    expect(workers.length).toBe(2);
    decoders[0]?.decoder.close();
    await recordedDecoder(codecs, "VP9");
    expect(workers.length).toBe(2);
  });

  it.runIf(process.platform === "linux")("let other threads go first, on Linux", async () => {
    await Promise.all([recordedEncoder(codecs, SMALL), recordedDecoder(codecs, "VP8")]);
    const niceThreads = readdirSync("/proc/self/task").filter((thread) => {
      const stat = readFileSync(`/proc/self/task/${thread}/stat`, "utf8");
      // The 19th field; the second is a name in brackets and may hold spaces.
      return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[16] === "5";
    });
    expect(niceThreads.length).toBe(workers.length);
  });

  it("keep the decoders they have when one of them is closed", async () => {
    const source = await recordedEncoder(codecs, SMALL);
    const coded = await source.encode(picture, 0);
    const [first, second] = [await recordedDecoder(codecs, "VP8"), await recordedDecoder(codecs, "VP8")];
    first.decoder.decode({ ...coded, data: coded.data.slice() });
    first.decoder.close();
    await second.decode(coded);
    expect([first.heard.pictures.length, second.heard.pictures.length]).toEqual([0, 1]);
    expect([first.decoder.pending, second.decoder.pending]).toEqual([0, 0]);
  });

  it("end with their last codec, and all with close()", async () => {
    const { encoder } = await recordedEncoder(codecs, SMALL);
    await recordedDecoder(codecs, "VP8");
    const [encoding, decoding] = workers;
    const first = ended(encoding);
    encoder.close();
    encoder.close();
    await first;
    const second = ended(decoding);
    codecs.close();
    codecs.close();
    await second;
  });

  it("say nothing after a close in the middle of work", async () => {
    const { encoder, heard } = await recordedEncoder(codecs, SMALL);
    encoder.encode(picture, 0, false);
    encoder.encode(picture, 1, false);
    const end = ended(workers[0]);
    encoder.close();
    encoder.encode(picture, 2, false);
    await end;
    expect([heard.coded.length, heard.failures.length]).toEqual([0, 0]);
  });

  it("fail their own codecs alone when they break", async () => {
    const [broken, whole] = [await recordedEncoder(codecs, SMALL), await recordedEncoder(codecs, SMALL)];
    const sinks = await Promise.all(Array.from({ length: 2 }, () => recordedDecoder(codecs, "VP8")));
    await workers[0]?.terminate();
    await broken.heard.until(() => broken.heard.failures.length > 0);
    broken.encoder.encode(picture, 0, false);
    const coded = await whole.encode(picture, 0);
    await workers[2]?.terminate();
    for (const { heard } of sinks) await heard.until(() => heard.failures.length > 0);
    expect(broken.heard.failures.map(({ code }) => code)).toEqual(["ENCODING_ERROR"]);
    expect(sinks.map(({ heard }) => heard.failures.map(({ code }) => code))).toEqual([
      ["DECODING_ERROR"],
      ["DECODING_ERROR"],
    ]);
    expect(whole.heard.failures).toEqual([]);
    const anew = await recordedDecoder(codecs, "VP8");
    await anew.decode(coded);
    expect(anew.heard.pictures.length).toBe(1);
  });

  it("are told of an encoder that cannot be", async () => {
    const events = new Recorder();
    const impossible = { ...SMALL, width: 100_000, framerateFps: 30 };
    await expect(codecs.createEncoder(impossible, events)).rejects.toMatchObject({ code: "ENCODING_ERROR" });
    await expect(codecs.createDecoder("H264", events)).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
    expect(events.failures).toEqual([]);
  });

  it("that cannot start mean that codecs are not supported", async () => {
    const without = createNodeVideoCodecs(() => Promise.reject(new Error("no threads left")));
    await expect(without.createDecoder("VP9", new Recorder())).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
    });
    await expect(without.createDecoder("VP9", new Recorder())).rejects.toMatchObject({
      code: "NOT_SUPPORTED",
    });
  });

  it("make nothing any more once all has been closed", async () => {
    const late = recordedDecoder(codecs, "VP8");
    codecs.close();
    await expect(late).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
    await expect(recordedDecoder(codecs, "VP8")).rejects.toMatchObject({ code: "NOT_SUPPORTED" });
  });

  it("refuse a picture of a size that was not set", async () => {
    const { encoder } = await recordedEncoder(codecs, SMALL);
    const codes = [movingPicture(320, 180, 0), { ...picture, planes: [...picture.planes].reverse() }].map(
      (wrong) => {
        try {
          encoder.encode(wrong as typeof picture, 0, false);
          return "taken";
        } catch (error) {
          return (error as { code: string }).code;
        }
      },
    );
    expect(codes).toEqual(["INVALID_DATA", "INVALID_DATA"]);
  });

  it("hand out planes and bytes that nobody else writes to", async () => {
    const { encode } = await recordedEncoder(codecs, SMALL);
    const sink = await recordedDecoder(codecs, "VP8");
    const coded: EncodedPicture[] = [];
    for (let time = 0; time < 3; time++) coded.push(await encode(movingPicture(160, 90, time), time * 3000));
    for (const one of coded) await sink.decode(one);
    const memories = [
      ...sink.heard.pictures.map(({ planes }) => planes[0]),
      ...coded.map(({ data }) => data),
    ];
    expect(new Set(memories.map(({ buffer }) => buffer)).size).toBe(6);
    expect(memories.every(({ buffer }) => buffer instanceof ArrayBuffer)).toBe(true);
  });
});

describe("a process with video codecs", { timeout: PATIENCE_MS + 10_000 }, () => {
  it("ends by itself when nothing is to be coded, closed or not", async () => {
    const ending = await run("exit");
    expect(ending.lines.length).toBe(1);
  });

  it("keeps its memory over 2000 pictures", async () => {
    const [warm, last] = (await run("memory")).lines as { rss: number; keyframes: number }[];
    // Forgetting a picture each time, coded or not, would be 30 MB and more.
    expect((last?.rss ?? Infinity) - (warm?.rss ?? 0)).toBeLessThan(15e6);
    expect(last?.keyframes).toBeGreaterThan(10);
  });
});

async function run(task: string): Promise<Ending> {
  const program = bundle("video/codec-program.ts");
  const ending = await start(program, [task], PATIENCE_MS).ended;
  discard(program);
  expect(ending, ending.stderr).toMatchObject({ code: 0, signal: null });
  return ending;
}
