import { afterEach, expect, it } from "vitest";
import { TransportError } from "../../../src/errors/errors.ts";
import type { PeerLinkOptions } from "../../../src/platform/platform.ts";
import { connect, makePair } from "./link-pair.ts";
import type { End } from "./link-pair.ts";

const open: End[] = [];

function pair(options?: Partial<PeerLinkOptions>): { a: End; b: End } {
  const ends = makePair(options);
  open.push(ends.a, ends.b);
  return ends;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.link.close()));
});

const end = { candidate: "", sdpMid: "0", sdpMLineIndex: 0 };

it("opens the declared channels under their ids and passes bytes and text", async () => {
  const { a, b } = pair();
  const events: string[] = [];
  const received = new Promise<Uint8Array>((resolve) => {
    b.channel.listen({
      open: () => events.push("open"),
      close: () => events.push("close"),
      message: (message) => {
        events.push("message");
        resolve(message as Uint8Array);
      },
    });
  });
  const opened = new Promise<void>((resolve) => {
    a.channel.listen({ open: resolve, close: () => undefined, message: () => undefined });
  });
  expect(() => a.channel.send(new Uint8Array(1))).toThrow(TransportError);
  await connect(a, b);
  await opened;
  a.channel.send(new Uint8Array([1, 2, 3]));
  expect(await received).toEqual(new Uint8Array([1, 2, 3]));
  expect(a.channel.open).toBe(true);
  expect(a.channel.maxMessageSize).toBe(262_144);
  expect(a.channel.bufferedAmount).toBe(0);
  expect(() => a.channel.send(new Uint8Array(262_145))).toThrow(TransportError);
  await b.link.close();
  expect(events).toEqual(["open", "message", "close"]);
  expect(b.channel.open).toBe(false);
});

it("adopts a channel that a foreign peer opens in-band, and keeps what comes before somebody listens", async () => {
  const { a } = pair({ channels: [] });
  const foreign = new RTCPeerConnection();
  const channel = foreign.createDataChannel("data");
  foreign.addTransceiver("audio");
  channel.onopen = () => channel.send("hello");
  await foreign.setLocalDescription();
  foreign.onicecandidate = ({ candidate }) => void a.link.addCandidate(candidate ?? end);
  const answer = await a.link.createAnswer(foreign.localDescription?.sdp ?? "");
  await foreign.setRemoteDescription({ type: "answer", sdp: answer });
  await a.until(() => a.foreign.length > 0);
  expect(a.foreign[0]?.label).toBe("data");
  expect(a.foreign[0]?.open).toBe(true);
  const message = await new Promise((resolve) => {
    setTimeout(
      () => a.foreign[0]?.listen({ open: () => undefined, close: () => undefined, message: resolve }),
      50,
    );
  });
  expect(message).toBe("hello");
  foreign.close();
});

it("closes channels that a foreign peer opens beyond sixteen", async () => {
  const { a } = pair({ channels: [] });
  const foreign = new RTCPeerConnection();
  const theirs = Array.from({ length: 17 }, (_, index) => foreign.createDataChannel(`channel ${index}`));
  const closed = new Promise((resolve) => {
    for (const channel of theirs) channel.onclose = resolve;
  });
  await foreign.setLocalDescription();
  foreign.onicecandidate = ({ candidate }) => void a.link.addCandidate(candidate ?? end);
  const answer = await a.link.createAnswer(foreign.localDescription?.sdp ?? "");
  await foreign.setRemoteDescription({ type: "answer", sdp: answer });
  await closed;
  expect(a.foreign).toHaveLength(16);
  expect(a.faults).toEqual([expect.objectContaining({ code: "DATA_CHANNEL_ERROR" })]);
  foreign.close();
});

it("ends a channel that is flooded before anybody listens", async () => {
  const { a, b } = pair();
  await connect(a, b);
  await new Promise<void>((resolve) => {
    a.channel.listen({ open: resolve, close: () => undefined, message: () => undefined });
  });
  for (let index = 0; index < 300; index++) a.channel.send(new Uint8Array(1));
  await b.until(() => b.faults.length > 0);
  expect(b.faults[0]).toMatchObject({ code: "DATA_CHANNEL_ERROR" });
  expect(b.channel.open).toBe(false);
});

it("contains callbacks that throw", async () => {
  const { a, b } = pair();
  await connect(a, b);
  b.channel.listen({
    open: () => undefined,
    close: () => undefined,
    message: () => {
      throw new Error("from the listener");
    },
  });
  a.channel.listen({
    open: () => a.channel.send(new Uint8Array(1)),
    close: () => undefined,
    message: () => undefined,
  });
  await b.until(() => b.faults.length > 0);
  expect(b.faults).toEqual([new Error("from the listener")]);
});
