import { describe, expect, it } from "vitest";
import type { ControlMessage } from "../../src/channels/control-actions.ts";
import { TransportError } from "../../src/errors/errors.ts";
import type {
  AuthorizeControl,
  AuthorizedAction,
  ControlResult,
  ControlStatus,
} from "../../src/runtime/control-action.ts";
import { SeededRandom } from "../../src/testing/random.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { ControlDesk, withoutSessions } from "../../src/transport/control-desk.ts";
import type { ControlHandlers } from "../../src/transport/control-desk.ts";

const pause = { type: "pause", sessionId: "s1" } as const;
const yes: AuthorizeControl = () => true;

function setUp(authorize?: AuthorizeControl, handlers: Partial<ControlHandlers> = {}) {
  const clock = new VirtualClock();
  const random = new SeededRandom("desk");
  const sent: [string, ControlMessage][] = [];
  const events: unknown[] = [];
  const faults: TransportError[] = [];
  const done: string[] = [];
  const desk = new ControlDesk({
    clock,
    randomBytes: (length) => random.bytes(length),
    authorize,
    handlers: {
      reconfigure: (sessionId, manifest) =>
        void done.push(`reconfigure ${sessionId} ${JSON.stringify(manifest)}`),
      pause: (sessionId) => void done.push(`pause ${sessionId}`),
      resume: (sessionId) => void done.push(`resume ${sessionId}`),
      status: (sessionId) => ({ state: sessionId ?? "started", activeNodes: ["n"] }),
      ...handlers,
    },
    transmit: (peerId, message) => {
      if (peerId === "nobody") throw new TransportError("PEER_NOT_FOUND", "there is no such peer");
      sent.push([peerId, message]);
    },
    onAction: (event) => events.push(event),
    onFault: (error) => faults.push(error),
  });
  const answers: [string, ControlResult | ControlStatus][] = [];
  /** Let bob ask. @returns what the desk said to it */
  const ask = (action: AuthorizedAction, requestId = "r1") =>
    desk.receive("bob", { type: "request", requestId, action }, (answer) => {
      if (answer.type === "response") answers.push([answer.requestId, answer.reply]);
    });
  /** What bob was answered, by the ids of its requests: replies come in any order. */
  const replies = () => Object.fromEntries(answers);
  /** The id of the last request that was sent. */
  const lastId = (): string => {
    const message = sent.at(-1)?.[1];
    if (message?.type !== "request") throw new Error("no request was sent");
    return message.requestId;
  };
  return { clock, desk, sent, events, faults, done, answers, replies, ask, lastId };
}

const ok = { type: "result", ok: true } as const;
const never = (): never => expect.unreachable();

/** The code a call ends with. */
function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => "resolved",
    (error: unknown) => (error as TransportError).code,
  );
}

describe("asking", () => {
  it("ends with the reply to its own request", async () => {
    const { clock, desk, sent, lastId } = setUp();
    const first = desk.send("bob", pause, {});
    const firstId = lastId();
    const second = desk.send("bob", { type: "getStatus" }, {});
    const status = { type: "status", state: "started", activeNodes: [], timestampMs: 7 } as const;
    desk.receive("bob", { type: "response", requestId: lastId(), reply: status }, never);
    desk.receive("bob", { type: "response", requestId: firstId, reply: ok }, never);
    expect(await Promise.all([first, second])).toEqual([ok, status]);
    expect(sent.map(([peerId]) => peerId)).toEqual(["bob", "bob"]);
    expect(clock.pending).toBe(0);
  });

  it("hands over what needs no reply", async () => {
    const { clock, desk, sent } = setUp();
    const action = { type: "custom", messageType: "volume", data: 3 } as const;
    expect(await desk.send("bob", action, {})).toBe(null);
    expect(sent).toEqual([["bob", { type: "custom", action }]]);
    expect(clock.pending).toBe(0);
  });

  it("tells pings of the same instant apart", async () => {
    const { desk, sent } = setUp();
    const pings = [desk.send("bob", { type: "ping" }, {}), desk.send("bob", { type: "ping" }, {})];
    const times = sent.map(([, message]) => (message.type === "ping" ? message.timestampMs : NaN));
    expect(new Set(times).size).toBe(2);
    for (const pingTimestampMs of [...times].reverse()) {
      const reply = { type: "pong", pingTimestampMs, pongTimestampMs: pingTimestampMs + 1 } as const;
      expect(desk.receive("bob", { type: "pong", reply }, never)).toBeUndefined();
    }
    expect((await Promise.all(pings)).map((pong) => pong.pingTimestampMs)).toEqual(times);
  });

  it("gives up after 10 s, or when told", async () => {
    const { clock, desk } = setUp();
    const patient = codeOf(desk.send("bob", pause, {}));
    const hasty = codeOf(desk.send("bob", pause, { timeoutMs: 500 }));
    const controller = new AbortController();
    const aborted = codeOf(desk.send("bob", pause, { signal: controller.signal }));
    controller.abort();
    expect(await aborted).toBe("ABORTED");
    await clock.run(500);
    expect(await hasty).toBe("OPERATION_TIMEOUT");
    expect(clock.pending).toBe(1);
    await clock.run(9_499);
    expect(clock.pending).toBe(1);
    await clock.run(1);
    expect(await patient).toBe("OPERATION_TIMEOUT");
    expect(clock.pending).toBe(0);
  });

  it("D11: drops replies of strangers, of another kind, and without a request", async () => {
    const { desk, lastId, clock } = setUp();
    const call = codeOf(desk.send("bob", pause, {}));
    const requestId = lastId();
    const status = { type: "status", state: "x", activeNodes: [], timestampMs: 1 } as const;
    const pong = { type: "pong", pingTimestampMs: 1, pongTimestampMs: 2 } as const;
    const drops = [
      desk.receive("mallory", { type: "response", requestId, reply: ok }, never),
      desk.receive("bob", { type: "response", requestId, reply: status }, never),
      desk.receive("bob", { type: "response", requestId: "other", reply: ok }, never),
      desk.receive("bob", { type: "pong", reply: pong }, never),
    ];
    expect(drops).toEqual(Array.from({ length: 4 }, () => "stray-reply"));
    expect(desk.receive("bob", { type: "response", requestId, reply: ok }, never)).toBeUndefined();
    expect(await call).toBe("resolved");
    expect(desk.receive("bob", { type: "response", requestId, reply: ok }, never)).toBe("stray-reply");
    expect(clock.pending).toBe(0);
  });

  it("ends when the peer or the transport does", async () => {
    const { clock, desk } = setUp();
    const bob = codeOf(desk.send("bob", pause, {}));
    const carol = codeOf(desk.send("carol", pause, {}));
    desk.release("bob");
    expect(await bob).toBe("PEER_NOT_CONNECTED");
    desk.close();
    expect(await carol).toBe("ALREADY_SHUTDOWN");
    expect(clock.pending).toBe(0);
  });

  it("fails at once when it cannot be sent", async () => {
    const { clock, desk, sent } = setUp();
    expect(await codeOf(desk.send("nobody", pause, {}))).toBe("PEER_NOT_FOUND");
    expect(await codeOf(desk.send("bob", { type: "dance" } as never, {}))).toBe("INVALID_DATA");
    expect(await codeOf(desk.send("bob", pause, { signal: AbortSignal.abort() }))).toBe("ABORTED");
    expect(sent).toEqual([]);
    expect(clock.pending).toBe(0);
  });
});

describe("being asked", () => {
  it("is allowed a status and nothing else, unless somebody says so", async () => {
    const { clock, ask, replies, done, events } = setUp();
    ask({ type: "getStatus" }, "r1");
    ask(pause, "r2");
    ask({ type: "resume", sessionId: "s1" }, "r3");
    ask({ type: "reconfigure", sessionId: "s1", manifest: {} }, "r4");
    await clock.run(1);
    const denied = { ok: false, error: { code: "UNAUTHORIZED" } };
    expect(replies()).toMatchObject({
      r1: { type: "status", state: "started", activeNodes: ["n"] },
      ...{ r2: denied, r3: denied, r4: denied },
    });
    expect(done).toEqual([]);
    expect(events).toMatchObject([true, false, false, false].map((allowed) => ({ peerId: "bob", allowed })));
  });

  it("carries out what is allowed", async () => {
    const asked: unknown[] = [];
    const { clock, ask, replies, done } = setUp(async (peerId, action) => {
      asked.push([peerId, action.type]);
      return action.type !== "resume";
    });
    ask({ type: "reconfigure", sessionId: "s1", manifest: { a: 1 } }, "r1");
    ask(pause, "r2");
    ask({ type: "resume", sessionId: "s1" }, "r3");
    ask({ type: "getStatus", sessionId: "s1" }, "r4");
    await clock.run(1);
    expect(done).toEqual(['reconfigure s1 {"a":1}', "pause s1"]);
    expect(asked).toEqual(["reconfigure", "pause", "resume", "getStatus"].map((type) => ["bob", type]));
    const denied = { ok: false, error: { code: "UNAUTHORIZED" } };
    expect(replies()).toMatchObject({ r1: ok, r2: ok, r3: denied, r4: { state: "s1" } });
    expect(clock.pending).toBe(0);
  });

  it.each<[string, AuthorizeControl, number]>([
    [
      "throws",
      () => {
        throw new Error("no database");
      },
      0,
    ],
    ["rejects", () => Promise.reject(new Error("no database")), 0],
    ["says anything but true", () => "yes" as never, 0],
    ["does not answer within 10 s", () => new Promise(() => undefined), 10_000],
  ])("is a no when the hook %s", async (_, authorize, afterMs) => {
    const { clock, ask, answers, done } = setUp(authorize);
    ask(pause);
    if (afterMs > 0) {
      await clock.run(afterMs - 1);
      expect(answers).toEqual([]);
    }
    await clock.run(1);
    expect(answers).toMatchObject([["r1", { ok: false, error: { code: "UNAUTHORIZED" } }]]);
    expect(done).toEqual([]);
    expect(clock.pending).toBe(0);
  });

  it("tells the asker which error it was, and nothing of those that are not ours", async () => {
    const { clock, ask, replies, faults } = setUp(yes, {
      ...withoutSessions(() => "started"),
      resume: () => Promise.reject(new Error("password 1234")),
    });
    ask(pause, "r1");
    ask({ type: "resume", sessionId: "s1" }, "r2");
    ask({ type: "getStatus", sessionId: "s1" }, "r3");
    ask({ type: "getStatus" }, "r4");
    await clock.run(1);
    const unknown = { code: "SESSION_NOT_FOUND", message: 'there is no session "s1"' };
    expect(replies()).toMatchObject({
      r1: { type: "result", ok: false, error: unknown },
      r2: { type: "result", ok: false, error: { code: "INTERNAL_ERROR", message: "'resume' failed" } },
      r3: { type: "result", ok: false, error: unknown },
      r4: { type: "status", state: "started", activeNodes: [] },
    });
    expect(faults.map(({ message }) => message)).toEqual(["'resume': password 1234"]);
  });

  it("works on eight requests of a peer at a time", async () => {
    const open: (() => void)[] = [];
    const { clock, ask, answers, desk } = setUp(yes, {
      pause: () => new Promise((resolve) => open.push(resolve)),
    });
    for (let i = 0; i < 8; i++) expect(ask(pause, `r${i}`)).toBeUndefined();
    expect(ask(pause, "r8")).toBe("surplus-request");
    expect(answers).toMatchObject([["r8", { error: { code: "RATE_LIMITED" } }]]);
    const request = { type: "request", requestId: "c1", action: { type: "getStatus" } } as const;
    expect(desk.receive("carol", request, () => undefined)).toBeUndefined();
    await clock.run(1);
    for (const resolve of open) resolve();
    await clock.run(1);
    expect(answers).toHaveLength(9);
    expect(ask(pause, "r9")).toBeUndefined();
  });

  it("answers a ping by its own clock and passes on what is the program's", () => {
    const { clock, desk, events } = setUp();
    const answers: ControlMessage[] = [];
    const answer = (message: ControlMessage): void => void answers.push(message);
    desk.receive("bob", { type: "ping", timestampMs: 5 }, answer);
    const custom = { type: "custom", messageType: "volume", data: { to: 1 } } as const;
    desk.receive("bob", { type: "custom", action: custom }, answer);
    const pongTimestampMs = Math.floor(clock.wallNow());
    expect(answers).toEqual([{ type: "pong", reply: { type: "pong", pingTimestampMs: 5, pongTimestampMs } }]);
    expect(events).toEqual([
      { peerId: "bob", action: { type: "ping" }, allowed: true },
      { peerId: "bob", action: custom, allowed: true },
    ]);
  });

  it("says so when an answer cannot leave", async () => {
    const { clock, desk, faults } = setUp(yes);
    const request = { type: "request", requestId: "r1", action: pause } as const;
    desk.receive("bob", request, () => {
      throw new TransportError("SEND_BUFFER_FULL", "full");
    });
    await clock.run(1);
    expect(faults.map(({ code }) => code)).toEqual(["SEND_BUFFER_FULL"]);
  });

  it("does nothing any more once the transport has ended", async () => {
    const { clock, desk, ask, answers, done, events, faults } = setUp(() => new Promise(() => undefined));
    ask(pause);
    await clock.run(1);
    desk.close();
    await clock.run(1);
    expect([answers, done, events, faults]).toEqual([[], [], [], []]);
    expect(clock.pending).toBe(0);
  });
});
