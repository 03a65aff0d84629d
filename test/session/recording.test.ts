import { describe, expect, it } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type { RecordedInput } from "../../src/session/recording-format.ts";
import { readRecording, replaySession } from "../../src/session/recording.ts";
import { audio, joined, nameOf, namesOf, openSession, settled, text } from "./session-fakes.ts";

async function* pieces(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void> {
  for (const chunk of chunks) yield chunk;
}

async function collect(recording: AsyncIterable<RecordedInput>): Promise<RecordedInput[]> {
  const inputs: RecordedInput[] = [];
  for await (const input of recording) inputs.push(input);
  return inputs;
}

/** A session of alice and the program, 40 ms, recorded. */
async function recorded() {
  const opened = await openSession();
  const { session, clock, pipeline } = opened;
  const chunks: Uint8Array[] = [];
  session.attachPeer("alice");
  clock.advance(500);
  const stop = session.record((chunk) => chunks.push(chunk));
  for (let i = 0; i < 3; i++) {
    await session.receive("alice", audio(20, i / 10));
    await session.sendInput(text(`t${i}`));
    await settled(clock);
    clock.advance(20);
  }
  return { ...opened, chunks, stop, pipeline };
}

describe("recording a StreamSession", () => {
  it("yields the inputs with their peers and times, equal to what the pipeline got", async () => {
    const { chunks, stop, pipeline } = await recorded();
    stop();
    const recording = readRecording(pieces(chunks));
    expect(await recording.header()).toMatchObject({ sessionId: "s1", manifest: { version: "v1" } });
    const inputs = await collect(recording);
    expect(inputs.map(({ input }) => input)).toEqual(pipeline.taken);
    expect(inputs.map(({ input, peerId, atMs }) => [nameOf(input), peerId, atMs])).toEqual([
      ["a0.00", "alice", 0],
      ["t0", undefined, 0],
      ["a0.10", "alice", 20],
      ["t1", undefined, 20],
      ["a0.20", "alice", 40],
      ["t2", undefined, 40],
    ]);
  });

  it("ends where it is told to, and with the session, once", async () => {
    const { session, chunks, stop, clock } = await recorded();
    const second: Uint8Array[] = [];
    const stopSecond = session.record((chunk) => second.push(chunk));
    stop();
    stop();
    const count = chunks.length;
    await session.sendInput(text("more"));
    await settled(clock);
    await session.close();
    stopSecond();
    expect(chunks).toHaveLength(count);
    expect(await collect(readRecording(joined(second)))).toHaveLength(1);
    expect(await collect(readRecording(joined(chunks)))).toHaveLength(6);
  });

  it("has all inputs up to a crash, and an error behind them", async () => {
    const { chunks } = await recorded();
    const inputs: RecordedInput[] = [];
    const reading = (async () => {
      for await (const input of readRecording(joined(chunks))) inputs.push(input);
    })();
    await expect(reading).rejects.toMatchObject({
      code: "INVALID_DATA",
      details: { offset: joined(chunks).length },
    });
    expect(inputs).toHaveLength(6);
  });

  it("ends when its sink throws, and the session goes on", async () => {
    const { session, pipeline, clock, events } = await openSession();
    let calls = 0;
    session.record(() => {
      if (++calls === 2) throw new Error("disk full");
    });
    for (let i = 0; i < 3; i++) await session.sendInput(text(`${i}`));
    await settled(clock);
    expect(namesOf(pipeline.taken)).toEqual(["0", "1", "2"]);
    expect(calls).toBe(2);
    expect(events.filter(({ type }) => type === "recordingFailed")).toMatchObject([
      { error: { message: expect.stringContaining("disk full") as string } },
    ]);
  });

  it("does not begin with a manifest that cannot be written", async () => {
    const { session } = await openSession({ manifest: { when: 1n } });
    expect(() => session.record(() => undefined)).toThrow(TransportError);
  });
});

describe("readRecording", () => {
  it("stops reading bytes when nobody wants more inputs", async () => {
    const { chunks, stop } = await recorded();
    stop();
    let closed = false;
    const source = (async function* () {
      try {
        yield* chunks;
      } finally {
        closed = true;
      }
    })();
    for await (const { atMs } of readRecording(source)) if (atMs >= 20) break;
    expect(closed).toBe(true);
  });

  it("says of nothing, and of the beginning alone, that it breaks off", async () => {
    const { chunks } = await recorded();
    await expect(readRecording(new Uint8Array()).header()).rejects.toMatchObject({ code: "INVALID_DATA" });
    const beginning = (chunks[0] as Uint8Array).subarray(0, 20);
    await expect(collect(readRecording(beginning))).rejects.toMatchObject({ details: { offset: 20 } });
  });
});

describe("replaySession", () => {
  it("leaves no listener at a signal that never fires", async () => {
    const { session, clock } = await openSession();
    let listeners = 0;
    const signal = {
      aborted: false,
      addEventListener: () => listeners++,
      removeEventListener: () => listeners--,
    } as unknown as AbortSignal;
    const { chunks, stop } = await recorded();
    stop();
    await clock.until(replaySession(session, readRecording(joined(chunks)), { clock, signal }));
    expect(clock.now()).toBe(40);
    expect(listeners).toBe(0);
  });

  async function replayed(speed: number | undefined) {
    const { chunks, stop, pipeline: original } = await recorded();
    stop();
    const target = await openSession({ sessionId: "s2" });
    const times: number[] = [];
    const send = target.pipeline.send.bind(target.pipeline);
    target.pipeline.send = (input) => {
      times.push(target.clock.now());
      return send(input);
    };
    const recording = readRecording(joined(chunks));
    const count = await target.clock.until(
      replaySession(target.session, recording, { clock: target.clock, speed }),
    );
    await settled(target.clock);
    return { count, times, original: original.taken, taken: target.pipeline.taken };
  }

  it("hands in equal inputs, in the same order and at the same pace", async () => {
    const { count, times, original, taken } = await replayed(undefined);
    expect(count).toBe(6);
    expect(times).toEqual([0, 0, 20, 20, 40, 40]);
    const inS2 = original.map((input) => ({ ...input, metadata: { ...input.metadata, session_id: "s2" } }));
    expect(taken).toEqual(inS2);
  });

  it("is as much faster as it is told, up to at once", async () => {
    expect((await replayed(4)).times).toEqual([0, 0, 5, 5, 10, 10]);
    expect((await replayed(Infinity)).times).toEqual([0, 0, 0, 0, 0, 0]);
  });

  it("refuses a speed that leads nowhere", async () => {
    const { session, clock } = await openSession();
    for (const speed of [0, -1, NaN]) {
      await expect(replaySession(session, pause(), { clock, speed })).rejects.toMatchObject({
        code: "INVALID_DATA",
      });
    }
  });

  it("ends when it is aborted, waiting or not, and leaves no timer", async () => {
    const { session, clock } = await openSession();
    const controller = new AbortController();
    const { signal } = controller;
    const replaying = replaySession(session, pause(), { clock, signal });
    const ended = expect(replaying).rejects.toMatchObject({ code: "ABORTED" });
    await settled(clock);
    expect(clock.pending).toBe(1);
    controller.abort("enough");
    await ended;
    expect(clock.pending).toBe(0);
    await expect(replaySession(session, pause(), { clock, signal })).rejects.toMatchObject({
      code: "ABORTED",
    });
  });
});

/** One input after ten seconds. */
async function* pause(): AsyncGenerator<RecordedInput, void> {
  yield { input: text("t"), peerId: undefined, atMs: 10_000 };
}
