import { describe, expect, it } from "vitest";
import type { TransportError } from "../../src/errors/errors.ts";
import { audio, namesOf, nameOf, openSession, settled, text } from "./session-fakes.ts";

const never = (): Promise<void> => new Promise(() => undefined);

async function codeOf(call: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof call === "function" ? call() : call);
  } catch (error) {
    return (error as TransportError).code;
  }
  return "nothing";
}

describe("closing a StreamSession", () => {
  it("finishes what was handed in, flushes and delivers; outputs can be read, then null", async () => {
    const { session, pipeline, clock } = await openSession();
    pipeline.block();
    pipeline.echo = "out";
    for (let i = 0; i < 3; i++) await session.sendInput(text(`${i}`));
    pipeline.onClose = () => void pipeline.emit("out", text("flushed").data);
    const closing = session.close();
    expect(session.state).toBe("closing");
    await settled(clock);
    expect(session.state).toBe("closing");
    pipeline.unblock();
    await closing;
    expect(session.state).toBe("closed");
    const names: string[] = [];
    for (let output = await session.recvOutput(); output !== null; output = await session.recvOutput()) {
      names.push(nameOf(output));
    }
    expect(names).toEqual(["0", "1", "2", "flushed"]);
    expect(await session.recvOutput()).toBeNull();
    expect(pipeline.calls).toEqual(["close"]);
  });

  it("takes what was waiting for room, and nothing later", async () => {
    const { session, pipeline, clock } = await openSession();
    session.attachPeer("alice");
    pipeline.block();
    const sends = Array.from({ length: 70 }, (_, i) => session.sendInput(text(`${i}`)));
    const closing = session.close();
    expect(await codeOf(session.sendInput(text("late")))).toBe("SESSION_CLOSED");
    await session.receive("alice", text("late"));
    pipeline.unblock();
    await clock.until(closing);
    await Promise.all(sends);
    expect(namesOf(pipeline.taken)).toEqual(Array.from({ length: 70 }, (_, i) => `${i}`));
  });

  it("refuses everything that needs a session afterwards", async () => {
    const { session } = await openSession();
    await session.close();
    const calls = [
      () => session.sendInput(text("t")),
      () => session.attachPeer("alice"),
      () => session.setRouting("broadcast"),
      () => session.configureSelectiveRouting([]),
      () => session.pause(),
      () => session.resume(),
      () => session.reconfigure("m"),
      () => session.record(() => undefined),
    ];
    const codes = await Promise.all(calls.map(codeOf));
    expect(new Set(codes)).toEqual(new Set(["SESSION_CLOSED"]));
    session.detachPeer("alice");
    await session.receive("alice", text("t"));
  });

  it("needs nobody to read what is left", async () => {
    const { session, pipeline } = await openSession();
    pipeline.echo = "out";
    const sends = Array.from({ length: 200 }, (_, i) => session.sendInput(text(`${i}`)));
    await session.close();
    await Promise.all(sends);
    expect(session.metrics()).toMatchObject({ queuedOutputs: 200, framesDropped: 0 });
  });

  it("ends a pause: what waits goes through", async () => {
    const { session, pipeline } = await openSession();
    await session.pause();
    await session.sendInput(text("t"));
    await session.close();
    expect(namesOf(pipeline.taken)).toEqual(["t"]);
  });

  it("waits for deliveries", async () => {
    let arrived: (() => void) | undefined;
    const { session, pipeline, clock } = await openSession({
      deliver: async () => {
        await new Promise<void>((resolve) => (arrived = resolve));
        return new Map();
      },
    });
    session.attachPeer("alice");
    void pipeline.emit("out", text("t").data);
    const closing = session.close();
    await settled(clock);
    expect(session.state).toBe("closing");
    arrived?.();
    await closing;
    expect(session.metrics().peers["alice"]?.framesOut).toBe(1);
    expect(clock.pending).toBe(0);
  });

  it("gives up deliveries to a peer that takes nothing", async () => {
    const { session, pipeline, clock } = await openSession({ deliver: () => new Promise(() => undefined) });
    session.attachPeer("alice");
    for (let i = 0; i < 5; i++) void pipeline.emit("out", text("t").data);
    await clock.until(session.close());
    expect(clock.now()).toBe(10_000);
    expect(session.metrics().drops.undelivered).toBe(5);
  });

  it("aborts after 30 s what does not come to an end", async () => {
    const { session, pipeline, clock } = await openSession();
    pipeline.onClose = never;
    await clock.until(session.close());
    expect(clock.now()).toBe(30_000);
    expect(session.state).toBe("closed");
    expect(pipeline.calls[1]).toMatch(/^abort close\(\) took longer/);
    expect(clock.pending).toBe(0);
  });

  it("happens once, whoever asks", async () => {
    const { session, pipeline, events } = await openSession();
    const [first, second] = [session.close(), session.close()];
    expect(second).toBe(first);
    await first;
    await session.close();
    await session.abort();
    await session[Symbol.asyncDispose]();
    expect(pipeline.calls).toEqual(["close"]);
    expect(events.filter((event) => event.type === "stateChange" && event.state === "closed")).toHaveLength(
      1,
    );
  });
});

describe("aborting a StreamSession", () => {
  it("drops queues, rejects whoever waits, and ends readers at once", async () => {
    const { session, pipeline, clock } = await openSession();
    pipeline.block();
    const sends = Array.from({ length: 67 }, (_, i) => codeOf(session.sendInput(text(`${i}`))));
    void pipeline.emit("out", text("unread").data);
    await session.recvOutput();
    const reading = session.recvOutput();
    const reason = new Error("enough");
    await session.abort(reason);
    expect(await reading).toBeNull();
    expect((await Promise.all(sends)).filter((code) => code === "SESSION_CLOSED")).toHaveLength(2);
    expect(pipeline.calls).toEqual(["abort enough"]);
    expect(session.metrics()).toMatchObject({ state: "closed", queuedInputs: 0, drops: { ended: 66 } });
    expect(clock.pending).toBe(0);
  });

  it("takes no second, even where the pipeline hangs", async () => {
    const { session, pipeline, clock } = await openSession();
    pipeline.onAbort = never;
    await clock.until(session.abort());
    expect(clock.now()).toBeLessThanOrEqual(1_000);
    expect(session.state).toBe("closed");
    expect(pipeline.emit("out", text("late").data)).toBeUndefined();
    expect(session.metrics().framesOut).toBe(0);
  });

  it("ends a close that is under way, with nothing left behind", async () => {
    const { session, pipeline, clock } = await openSession();
    pipeline.onClose = never;
    const closing = session.close();
    await settled(clock);
    await session.abort("now");
    await closing;
    expect(clock.now()).toBe(0);
    expect(clock.pending).toBe(0);
    expect(pipeline.calls).toEqual(["close", "abort now"]);
  });

  it("lets emitting nodes go on that waited for readers or peers", async () => {
    const { session, pipeline, clock } = await openSession({ deliver: () => new Promise(() => undefined) });
    const toReaders = Array.from({ length: 65 }, () => pipeline.emit("out", text("t").data));
    session.attachPeer("alice");
    const toPeer = Array.from({ length: 18 }, () => pipeline.emit("out", text("t").data));
    await session.abort();
    await Promise.all([...toReaders, ...toPeer]);
    expect(clock.pending).toBe(0);
  });

  it("survives a pipeline whose abort throws", async () => {
    const { session, pipeline } = await openSession();
    pipeline.onAbort = () => {
      throw new Error("bad");
    };
    await session.abort();
    expect(session.state).toBe("closed");
    await session.close();
  });

  it("counts media that waited", async () => {
    const { session, pipeline } = await openSession();
    session.attachPeer("alice");
    pipeline.block();
    for (let i = 0; i < 4; i++) await session.receive("alice", audio(20));
    await session.abort();
    expect(session.metrics().drops.ended).toBe(3);
  });
});
