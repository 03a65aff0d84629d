import { describe, expect, it } from "vitest";
import type { TransportError } from "../../src/errors/errors.ts";
import type { Kind } from "../../src/pipeline/node.ts";
import type { TransportData } from "../../src/runtime/data.ts";
import { SessionFeed } from "../../src/transport/session-feed.ts";
import type { PeerInput } from "../../src/transport/session-inputs.ts";

/** A reading that a test fills, and what became of it. */
class Reading {
  readonly #waiting: (readonly PeerInput[])[] = [];
  #wake: () => void = () => undefined;
  #error: Error | undefined;
  ended = false;

  put(...inputs: PeerInput[]): void {
    this.#waiting.push(inputs);
    this.#wake();
  }

  fail(error: Error): void {
    this.#error = error;
    this.#wake();
  }

  async *read(signal: AbortSignal): AsyncGenerator<readonly PeerInput[], void> {
    signal.addEventListener("abort", () => this.#wake());
    try {
      for (;;) {
        const next = this.#waiting.shift();
        if (next !== undefined) yield next;
        else if (this.#error !== undefined) throw this.#error;
        else if (signal.aborted) return;
        else await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.ended = true;
    }
  }
}

function feeding() {
  const received: string[] = [];
  const faults: TransportError[] = [];
  const readings = new Map<string, Reading>();
  const session = {
    peers: [] as string[],
    kinds: ["audio", "video"] as Kind[],
    refuse: undefined as Error | undefined,
    accepts: (kind: Kind) => session.kinds.includes(kind),
    receive: async (peerId: string, { data }: TransportData) => {
      received.push(`${data.type} of ${peerId}`);
      if (session.refuse !== undefined) throw session.refuse;
    },
  };
  const open = (key: string, signal: AbortSignal): AsyncIterable<readonly PeerInput[]> => {
    const reading = new Reading();
    readings.set(key, reading);
    return reading.read(signal);
  };
  const feed = new SessionFeed({
    session,
    openAudio: (signal) => open("audio", signal),
    openPictures: (peerId, signal) => open(peerId, signal),
    onFault: (error) => faults.push(error),
  });
  return { session, feed, received, faults, readings };
}

const text = (peerId: string): PeerInput => ({
  peerId,
  input: { data: { type: "text", text: "" }, metadata: {} },
});

/** Let everything that is ready go on. */
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve));

describe("SessionFeed", () => {
  it("reads nothing while no peer is attached", () => {
    const { feed, readings } = feeding();
    feed.refresh();
    expect(readings.size).toBe(0);
  });

  it("reads all peers' audio once, and the pictures of each", async () => {
    const { session, feed, readings, received } = feeding();
    session.peers = ["alice"];
    feed.refresh();
    session.peers = ["alice", "bob"];
    const [audio, alice] = [readings.get("audio"), readings.get("alice")];
    feed.refresh();
    await settle();
    expect([...readings.keys()]).toEqual(["audio", "alice", "bob"]);
    // What was read goes on being read.
    expect([readings.get("audio"), readings.get("alice")]).toEqual([audio, alice]);
    readings.get("audio")?.put(text("alice"), text("bob"));
    readings.get("bob")?.put(text("bob"));
    await settle();
    expect(received.sort()).toEqual(["text of alice", "text of bob", "text of bob"]);
    feed.close();
  });

  it("reads only what the pipeline takes, also when that changes", async () => {
    const { session, feed, readings } = feeding();
    session.peers = ["alice"];
    session.kinds = ["audio", "json"];
    feed.refresh();
    await settle();
    expect([...readings.keys()]).toEqual(["audio"]);
    session.kinds = ["video"];
    feed.refresh();
    await settle();
    expect([...readings.keys()]).toEqual(["audio", "alice"]);
    expect(readings.get("audio")?.ended).toBe(true);
    feed.close();
  });

  it("ends with what it was reading of a peer that is detached, and reads it again when it is back", async () => {
    const { session, feed, readings } = feeding();
    session.peers = ["alice", "bob"];
    feed.refresh();
    const first = readings.get("bob");
    session.peers = ["alice"];
    feed.refresh();
    await settle();
    expect([first?.ended, readings.get("alice")?.ended, readings.get("audio")?.ended]).toEqual([
      true,
      false,
      false,
    ]);
    session.peers = ["alice", "bob"];
    feed.refresh();
    await settle();
    expect(readings.get("bob")).not.toBe(first);
    feed.close();
  });

  it("tells of an input that is refused and of a reading that fails, and goes on with the others", async () => {
    const { session, feed, readings, received, faults } = feeding();
    session.peers = ["alice", "bob"];
    feed.refresh();
    session.refuse = new Error("no room");
    readings.get("alice")?.put(text("alice"));
    await settle();
    session.refuse = undefined;
    readings.get("bob")?.fail(new Error("no codec"));
    readings.get("alice")?.put(text("alice"));
    await settle();
    expect(received).toEqual(["text of alice", "text of alice"]);
    expect(faults.map(({ message }) => message)).toEqual([
      expect.stringContaining("pictures of alice"),
      expect.stringContaining("pictures of bob"),
    ]);
    feed.close();
  });

  it("reads nothing more when it is closed, whatever it is asked", async () => {
    const { session, feed, readings, received } = feeding();
    session.peers = ["alice"];
    feed.refresh();
    feed.close();
    feed.close();
    await settle();
    expect([...readings.values()].map(({ ended }) => ended)).toEqual([true, true]);
    const before = readings.get("audio");
    feed.refresh();
    expect(readings.get("audio")).toBe(before);
    before?.put(text("alice"));
    await settle();
    expect(received).toEqual([]);
  });
});
