// What all video codecs must do, wherever they run. In real time, but judged by what comes out and never by when. Runs
// in Node and in browsers.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TransportError } from "../../src/errors/errors.ts";
import type {
  DecodedPicture,
  EncodedPicture,
  I420Picture,
  VideoCodecName,
  VideoCodecs,
  VideoDecoder,
  VideoEncoder,
} from "../../src/platform/video-codecs.ts";
import { movingPicture, noisyPicture, psnrOf } from "./video-pictures.ts";

const NAMES: readonly VideoCodecName[] = ["VP9", "H264", "VP8"];
/** Ticks from one picture to the next: 30 a second. */
const STEP = 3000;
/** As far as codecs at these rates are from what they were given, dB; above 36 has been seen everywhere. */
const LEAST_DB = 32;
/** No codec takes it for a picture of its own: no start code, no sync code, no frame marker. */
const GARBAGE = new Uint8Array(400).fill(0x01);
const PATIENCE = { timeout: 15_000 };

/** An encoder, and what it has reported. */
interface Sender {
  readonly encoder: VideoEncoder;
  readonly out: EncodedPicture[];
  readonly errors: TransportError[];
  /** Encode picture number `index` and wait for what comes of it. */
  send(index: number, keyframe?: boolean, picture?: I420Picture): Promise<EncodedPicture>;
}

/** A decoder, and what it has reported, in order. */
interface Receiver {
  readonly decoder: VideoDecoder;
  readonly out: DecodedPicture[];
  /** `picture` or `undecodable`, and the number of the picture. */
  readonly log: string[];
  readonly errors: TransportError[];
}

/** Declare the contract suite. Codecs that the runtime lacks must say so. */
export function describeVideoCodecs(name: string, open: () => Promise<VideoCodecs>): void {
  describe(`the video codecs: ${name}`, () => {
    let codecs: VideoCodecs;
    beforeAll(async () => {
      codecs = await open();
    });
    afterAll(() => codecs.close());

    async function sender(codec: VideoCodecName, width: number, height: number): Promise<Sender> {
      const out: EncodedPicture[] = [];
      const errors: TransportError[] = [];
      const settings = { codec, width, height, bitrateKbps: 800, framerateFps: 30 };
      const encoder = await codecs.createEncoder(settings, {
        encoded: (picture) => void out.push(picture),
        failed: (error) => void errors.push(error),
      });
      const send = async (index: number, keyframe = false, picture = movingPicture(width, height, index)) => {
        encoder.encode(picture, index * STEP, keyframe);
        await expect.poll(() => out.at(-1)?.position, PATIENCE).toBe(index * STEP);
        return out.at(-1) as EncodedPicture;
      };
      return { encoder, out, errors, send };
    }

    async function receiver(codec: VideoCodecName): Promise<Receiver> {
      const out: DecodedPicture[] = [];
      const log: string[] = [];
      const errors: TransportError[] = [];
      const decoder = await codecs.createDecoder(codec, {
        picture: (picture) => {
          out.push(picture);
          log.push(`picture ${picture.position / STEP}`);
        },
        undecodable: (position, error) => {
          log.push(`undecodable ${position / STEP}`);
          errors.push(error);
        },
        failed: (error) => void log.push(`failed ${error.code}`),
      });
      return { decoder, out, log, errors };
    }

    const settled = ({ decoder }: Receiver) => expect.poll(() => decoder.pending, PATIENCE).toBe(0);

    describe.each(NAMES)("%s", (codec) => {
      const has = (): boolean => codecs.encodes.has(codec) && codecs.decodes.has(codec);
      /** A test of a codec that is there; where it is not, the refusal is tested. */
      const works = (behavior: string, test: () => Promise<void>): void =>
        it(behavior, async () => {
          if (has()) return test();
          const refusal = { code: "NOT_SUPPORTED" };
          if (!codecs.encodes.has(codec)) await expect(sender(codec, 64, 64)).rejects.toMatchObject(refusal);
          if (!codecs.decodes.has(codec)) await expect(receiver(codec)).rejects.toMatchObject(refusal);
        });

      for (const [width, height] of [
        [320, 180],
        [177, 99],
      ] as const) {
        works(`brings pictures of ${width}x${height} through, in order and hardly changed`, async () => {
          const from = await sender(codec, width, height);
          const to = await receiver(codec);
          for (let i = 0; i < 10; i++) to.decoder.decode(copyOf(await from.send(i)));
          await settled(to);
          expect(to.log).toEqual(Array.from({ length: 10 }, (_, i) => `picture ${i}`));
          // An odd row or column may be missing, and what is said of the coded picture is what comes out.
          const coded = from.out.map((picture) => [picture.width, picture.height]);
          expect(to.out.map((picture) => [picture.width, picture.height])).toEqual(coded);
          expect([width - 1, width]).toContain(to.out[0]?.width);
          expect([height - 1, height]).toContain(to.out[0]?.height);
          to.out.forEach((picture, i) => {
            expect(psnrOf(picture, movingPicture(width, height, i)), `picture ${i}`).toBeGreaterThan(
              LEAST_DB,
            );
          });
          expect(to.decoder.counters.decoded).toBe(10);
          expect(from.encoder.counters).toMatchObject({ encoded: 10, keyframes: 1, dropped: 0 });
          from.encoder.close();
          to.decoder.close();
        });
      }

      works("makes keyframes where they are asked for and nowhere else but at the start", async () => {
        const { encoder, out, send } = await sender(codec, 160, 96);
        for (let i = 0; i < 12; i++) await send(i, i === 4 || i === 9);
        const keyframes = out.flatMap(({ isKeyframe }, i) => (isKeyframe ? [i] : []));
        expect(keyframes).toEqual([0, 4, 9]);
        expect(encoder.counters.keyframes).toBe(3);
        encoder.close();
      });

      works("changes the size with a keyframe, and the decoder follows", async () => {
        const from = await sender(codec, 320, 180);
        const to = await receiver(codec);
        to.decoder.decode(copyOf(await from.send(0)));
        for (const [index, width, height] of [
          [1, 640, 360],
          [2, 160, 90],
        ] as const) {
          from.encoder.configure({ width, height });
          expect(() => from.encoder.encode(movingPicture(320, 180, index), index * STEP, false)).toThrow(
            expect.objectContaining({ code: "INVALID_DATA" }) as Error,
          );
          from.encoder.encode(movingPicture(width, height, index), index * STEP, false);
          await expect.poll(() => from.out.at(-1)?.position, PATIENCE).toBe(index * STEP);
          const coded = from.out.at(-1) as EncodedPicture;
          expect(coded).toMatchObject({ isKeyframe: true, width, height });
          to.decoder.decode(copyOf(coded));
        }
        await settled(to);
        expect(to.out.map(({ width, height }) => `${width}x${height}`)).toEqual([
          "320x180",
          "640x360",
          "160x90",
        ]);
        from.encoder.close();
        to.decoder.close();
      });

      works("D19: follows the bitrate while it runs", async () => {
        const { encoder, send } = await sender(codec, 320, 180);
        const bytes = { 1500: 0, 300: 0 };
        let index = 0;
        for (const kbps of [1500, 300] as const) {
          encoder.configure({ bitrateKbps: kbps });
          for (let i = 0; i < 30; i++, index++) {
            const { length } = (await send(index, false, noisyPicture(320, 180, index))).data;
            // A new rate takes its time, as does making up for the keyframe.
            if (i >= 10) bytes[kbps] += length;
          }
        }
        expect(bytes[300]).toBeLessThan(bytes[1500] / 2);
        encoder.close();
      });

      works("waits for a keyframe at the start", async () => {
        const from = await sender(codec, 160, 96);
        const to = await receiver(codec);
        for (let i = 0; i < 4; i++) await from.send(i, i === 2);
        for (const picture of from.out.slice(1)) to.decoder.decode(copyOf(picture));
        await settled(to);
        expect(to.log).toEqual(["undecodable 1", "picture 2", "picture 3"]);
        expect(to.errors[0]?.code).toBe("DECODING_ERROR");
        from.encoder.close();
        to.decoder.close();
      });

      works("says what cannot be decoded and goes on at the next keyframe", async () => {
        const from = await sender(codec, 160, 96);
        const to = await receiver(codec);
        for (let i = 0; i < 8; i++) await from.send(i, i === 5);
        // One after the other: what is behind garbage in a queue may share its fate.
        for (const [i, picture] of from.out.entries()) {
          const isGarbage = i === 2 || i === 3;
          to.decoder.decode(
            isGarbage ? { ...picture, data: GARBAGE.slice(), isKeyframe: true } : copyOf(picture),
          );
          await settled(to);
        }
        const fates = to.log.map((line) => line.split(" ")[0]);
        const [good, bad] = ["picture", "undecodable"];
        expect(fates).toEqual([good, good, bad, bad, bad, good, good, good]);
        const empty = { ...(from.out[0] as EncodedPicture), position: 8 * STEP, data: new Uint8Array(0) };
        to.decoder.decode(empty);
        await settled(to);
        expect(to.log.at(-1)).toBe("undecodable 8");
        from.encoder.close();
        to.decoder.close();
      });

      works(
        "encodes the first and the newest of a burst, and a demand for a keyframe outlives what is dropped",
        async () => {
          const { encoder, out, send } = await sender(codec, 320, 180);
          await send(0);
          const burst = Array.from({ length: 10 }, (_, i) => movingPicture(320, 180, i + 1));
          burst.forEach((picture, i) => encoder.encode(picture, (i + 1) * STEP, i === 5));
          await expect.poll(() => out.at(-1)?.position, PATIENCE).toBe(10 * STEP);
          expect(out.map(({ position, isKeyframe }) => [position / STEP, isKeyframe])).toEqual([
            [0, true],
            [1, false],
            [10, true],
          ]);
          expect(encoder.counters).toMatchObject({ encoded: 3, dropped: 8 });
          encoder.close();
        },
      );

      works("keeps nothing of a picture after the call", async () => {
        const from = await sender(codec, 160, 96);
        const to = await receiver(codec);
        const picture = movingPicture(160, 96, 0);
        from.encoder.encode(picture, 0, false);
        for (const plane of picture.planes) plane.fill(0);
        await expect.poll(() => from.out.length, PATIENCE).toBe(1);
        to.decoder.decode(copyOf(from.out[0] as EncodedPicture));
        await settled(to);
        expect(psnrOf(to.out[0] as DecodedPicture, movingPicture(160, 96, 0))).toBeGreaterThan(LEAST_DB);
        from.encoder.close();
        to.decoder.close();
      });

      works("is silent once it is closed, however much is under way", async () => {
        const from = await sender(codec, 160, 96);
        const to = await receiver(codec);
        const first = await from.send(0);
        to.decoder.decode(copyOf(first));
        from.encoder.encode(movingPicture(160, 96, 1), STEP, false);
        from.encoder.encode(movingPicture(160, 96, 2), 2 * STEP, false);
        for (const end of [from.encoder, to.decoder, from.encoder, to.decoder]) end.close();
        from.encoder.encode(movingPicture(160, 96, 3), 3 * STEP, false);
        from.encoder.configure({ bitrateKbps: 100 });
        to.decoder.decode(copyOf(first));
        expect(to.decoder.pending).toBe(0);
        // Another pair goes all the way meanwhile: whatever was to come would have come.
        const other = await sender(codec, 160, 96);
        const last = await receiver(codec);
        last.decoder.decode(copyOf(await other.send(0)));
        await settled(last);
        expect([from.out.length, from.errors, to.log]).toEqual([1, [], []]);
        other.encoder.close();
        last.decoder.close();
      });
    });

    it("are closed together, and make nothing from then on", async () => {
      const own = await open();
      const [codec] = [...own.encodes].filter((each) => own.decodes.has(each)) as [VideoCodecName];
      const seen: unknown[] = [];
      const note = (event: unknown): void => void seen.push(event);
      const settings = { codec, width: 160, height: 96, bitrateKbps: 300, framerateFps: 30 };
      const encoder = await own.createEncoder(settings, { encoded: note, failed: note });
      const decoder = await own.createDecoder(codec, { picture: note, undecodable: note, failed: note });
      own.close();
      own.close();
      encoder.encode(movingPicture(160, 96, 0), 0, true);
      decoder.decode({ data: GARBAGE.slice(), isKeyframe: true, width: 160, height: 96, position: 0 });
      const refusal = { code: "NOT_SUPPORTED" };
      await expect(own.createEncoder(settings, { encoded: note, failed: note })).rejects.toMatchObject(
        refusal,
      );
      await expect(
        own.createDecoder(codec, { picture: note, undecodable: note, failed: note }),
      ).rejects.toMatchObject(refusal);
      expect(seen).toEqual([]);
    });
  });
}

/** With bytes of its own: a decoder keeps what it is given. */
function copyOf(picture: EncodedPicture): EncodedPicture {
  return { ...picture, data: picture.data.slice() };
}
