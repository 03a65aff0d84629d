// Several forms of one source on their way to different peers: what is encoded how often, at which rate, and what a peer
// sees that moves from one form to another.
import { describe, expect, it } from "vitest";
import { SeededRandom } from "../../src/testing/random.ts";
import { FakeSink, dataOf } from "../media/video/pictures.ts";
import { videoWorld } from "./video-world.ts";

const HIGH = { key: "high", maxKbps: 1600 };
const MEDIUM = { key: "medium", maxKbps: 600 };
const LOW = { key: "low", maxKbps: 120 };

function named(ids: string): FakeSink[] {
  return [...ids].map((id) => new FakeSink(id));
}

/** Peers whose names tell who is in which form: `a`, `b` and `c` if nothing else is said. */
function three(): [FakeSink, FakeSink, FakeSink] {
  return named("abc") as [FakeSink, FakeSink, FakeSink];
}

/** Which of the three gray levels of forms most of a coded picture is. */
function formIn(coded: Uint8Array): number {
  const counts = [60, 120, 180].map((level) => coded.filter((byte) => byte === level).length);
  return counts.indexOf(Math.max(...counts));
}

describe("forms of one source", () => {
  it("are encoded once each, however many peers see them", async () => {
    const { playForms, outgoing, made } = videoWorld();
    const [many, some, few] = [named("abcd"), named("efg"), named("h")];
    await playForms(30, [
      [many, HIGH],
      [some, MEDIUM],
      [few, LOW],
    ]);
    expect(made).toHaveLength(3);
    expect(outgoing.stats.codecs).toMatchObject([{ encoded: 90, keyframes: 3, dropped: 0 }]);
    for (const sink of [...many, ...some, ...few]) expect(sink.kinds).toBe(`K${"d".repeat(29)}`);
    outgoing.close();
  });

  it("keep to the rate of each, which bounds no other one", async () => {
    const { playForms, outgoing, made, changes } = videoWorld({
      video: { bitrateKbps: 1000, minBitrateKbps: 150 },
    });
    const [a, b, c] = three();
    const d = new FakeSink("d");
    await playForms(10, [
      [[a, d], HIGH],
      [[b], MEDIUM],
      [[c], LOW],
    ]);
    expect(made.map(({ bitrateKbps }) => bitrateKbps)).toEqual([1000, 600, 120]);
    // The one of two that is worse off holds up the other one, and nobody else.
    a.targetKbps = 400;
    await playForms(10, [
      [[a, d], HIGH],
      [[b], MEDIUM],
      [[c], LOW],
    ]);
    expect(changes.map(([, { bitrateKbps }]) => bitrateKbps)).toEqual([340]);
    changes.length = 0;
    outgoing.configure({ targetKbps: 300 });
    await playForms(10, [
      [[a, d], HIGH],
      [[b], MEDIUM],
      [[c], { ...LOW, maxKbps: 80 }],
    ]);
    expect(changes.map(([, { bitrateKbps }]) => bitrateKbps)).toEqual([300, 300, 80]);
    outgoing.close();
  });

  it("tell browsers' encoders their rate, also when a peer comes back to one", async () => {
    const { playForms, outgoing } = videoWorld();
    const track = new FakeSink("a", "VP8", "track");
    const [, b, c] = three();
    for (const [first, second] of [
      [[track, b], [c]],
      [[b], [track, c]],
      [[track, b], [c]],
    ] as const) {
      await playForms(3, [
        [first, HIGH],
        [second, LOW],
      ]);
    }
    expect(track.bitrates).toEqual([1600, 120, 1600]);
    outgoing.close();
  });

  it("begin with a keyframe for who moves there, and keep their encoder for who was there", async () => {
    const { playForms, outgoing, made } = videoWorld({ encodeMs: 20 });
    const [a, b, c] = three();
    await playForms(30, [
      [[a], HIGH],
      [[b], MEDIUM],
      [[c], LOW],
    ]);
    const before = a.frames.length;
    await playForms(30, [
      [[b], MEDIUM],
      [[a, c], LOW],
    ]);
    // Nothing new was made, and both see the same from then on.
    expect(made).toHaveLength(3);
    expect(a.kinds.slice(before)).toMatch(/^Kd+$/);
    expect(c.frames.slice(-20).map(({ payloads }) => payloads)).toEqual(
      a.frames.slice(-20).map(({ payloads }) => payloads),
    );
    expect(c.kinds).toMatch(/^Kd{29}Kd{29}$/);
    expect(b.kinds).toMatch(/^Kd{59}$/);
    await playForms(10, [
      [[a], HIGH],
      [[b], MEDIUM],
      [[c], LOW],
    ]);
    expect(made.map(({ bitrateKbps }) => bitrateKbps)).toEqual([1600, 600, 120, 1600]);
    expect(a.kinds.slice(-10)).toBe(`K${"d".repeat(9)}`);
    expect(c.kinds.slice(-10)).toBe("d".repeat(10));
    outgoing.close();
  });

  it.each([1, 2, 3, 4])("never mix in what a peer sees, however it moves, seed %i", async (seed) => {
    const { clock, outgoing } = videoWorld({ encodeMs: 45 });
    const random = new SeededRandom(seed);
    const sinks = named("abcdef");
    const forms = [HIGH, MEDIUM, LOW];
    const places = sinks.map(() => random.integer(0, 2));
    for (let i = 0; i < 300; i++) {
      sinks.forEach((_, index) => {
        if (random.chance(0.03)) places[index] = random.integer(0, 2);
      });
      for (const [place, form] of forms.entries()) {
        const members = sinks.filter((_, index) => places[index] === place);
        // The picture says which form it is of.
        const data = new Uint8Array(96 * 96 * 1.5).fill(60 * (place + 1));
        const picture = { type: "video", data, width: 96, height: 96, format: "I420" } as const;
        void outgoing.send({ ...picture, timestampUs: clock.wallNow() * 1000 }, members, form);
      }
      await clock.run(33);
    }
    let moves = 0;
    for (const sink of sinks) {
      const seen = sink.frames.map((frame) => formIn(dataOf("VP9", frame)));
      for (const [index, form] of seen.entries()) {
        if (index === 0 || form === seen[index - 1]) continue;
        moves++;
        expect(sink.kinds[index], `seed ${seed}, frame ${index} of ${sink.peerId}`).toBe("K");
      }
      expect(sink.positions).toEqual([...sink.positions].sort((x, y) => x - y));
    }
    expect(moves, `seed ${seed}`).toBeGreaterThan(10);
    outgoing.close();
  });
});
