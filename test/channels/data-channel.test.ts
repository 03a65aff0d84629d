import { describe, expect, it } from "vitest";
import { encodeHello } from "../../src/channels/control.ts";
import type { HelloFields } from "../../src/channels/control.ts";
import {
  CONTROL_CHANNEL,
  dataChannelOptions,
  HELLO_TIMEOUT_MS,
  MAX_BUFFERED_BYTES,
  PeerChannels,
} from "../../src/channels/data-channel.ts";
import type { PeerChannelsOptions } from "../../src/channels/data-channel.ts";
import { encodeMessageFragment, FRAME_KINDS } from "../../src/channels/framing.ts";
import type { TransportError } from "../../src/errors/errors.ts";
import type { DataChannelMessage } from "../../src/runtime/data.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { FakePort } from "./fake-port.ts";

const utf8 = new TextEncoder();

function helloOf(instanceId: string): HelloFields {
  return {
    protocolVersion: 1,
    instanceId,
    capabilities: ["data"],
    codecs: [],
    audioLookaheadSamples: 312,
  };
}

function setUp(overrides: Partial<PeerChannelsOptions> = {}) {
  const clock = new VirtualClock();
  const heard: unknown[] = [];
  const faults: TransportError[] = [];
  const channels = new PeerChannels({
    peerId: "bob",
    clock,
    hello: helloOf("alice-1"),
    onHello: (hello) => heard.push(["hello", hello.instanceId]),
    onVideoSignal: (signal) => heard.push(["video", signal]),
    onControl: () => undefined,
    onMessage: (message) => heard.push(message),
    onData: (data, envelope) => heard.push([data, envelope]),
    onFault: (error) => faults.push(error),
    onOpen: (label) => heard.push(["open", label]),
    onClosed: (label) => heard.push(["closed", label]),
    ...overrides,
  });
  const control = new FakePort("control");
  const data = new FakePort("data");
  channels.attach("control", control);
  channels.attach("data", data);
  return { clock, heard, faults, channels, control, data };
}

function opened(overrides: Partial<PeerChannelsOptions> = {}) {
  const side = setUp(overrides);
  side.control.start();
  side.data.start();
  side.heard.length = 0;
  return side;
}

describe("opening", () => {
  it("says hello first and is ready when the other side has said it", async () => {
    const alice = setUp();
    const bob = setUp({ hello: helloOf("bob-1") });
    alice.control.other = bob.control;
    bob.control.other = alice.control;
    alice.control.open = bob.control.open = true;
    alice.control.start();
    expect(alice.channels.ready).toBe(false);
    bob.control.start();
    await alice.channels.whenReady;
    await bob.channels.whenReady;
    expect(alice.heard).toEqual([
      ["open", "control"],
      ["hello", "bob-1"],
    ]);
    expect(bob.channels.remoteHello).toEqual(helloOf("alice-1"));
    expect([alice.channels.ready, bob.channels.ready]).toEqual([true, true]);
    expect(alice.clock.pending).toBe(0);
    expect([...alice.faults, ...bob.faults]).toEqual([]);
  });

  it("is open when every attached channel is", () => {
    const { channels, control, data } = setUp();
    expect(channels.open).toBe(false);
    control.start();
    expect(channels.open).toBe(false);
    data.start();
    expect(channels.open).toBe(true);
  });

  it("is not open without channels", () => {
    const { clock } = setUp();
    const none = new PeerChannels({
      peerId: "bob",
      clock,
      hello: helloOf("a"),
      onHello: () => undefined,
      onVideoSignal: () => undefined,
      onControl: () => undefined,
      onMessage: () => undefined,
      onData: () => undefined,
      onFault: () => undefined,
    });
    expect(none.open).toBe(false);
  });

  it("greets once on a port that is open already and tells so later", () => {
    const { channels, heard } = setUp();
    const port = new FakePort("control");
    port.open = true;
    channels.attach("control", port);
    port.start();
    expect(port.sent).toHaveLength(1);
    expect(heard).toEqual([["open", "control"]]);
  });

  it("reports a hello that does not come in time, and takes it later all the same", async () => {
    const { clock, channels, control, faults } = opened();
    clock.advance(HELLO_TIMEOUT_MS - 1);
    expect(faults).toEqual([]);
    clock.advance(1);
    expect(faults).toMatchObject([{ code: "DATA_CHANNEL_ERROR", peerId: "bob" }]);
    control.receiveJson(encodeHello(helloOf("bob-1")));
    await channels.whenReady;
  });

  it("reports a malformed hello and goes on waiting", () => {
    const { channels, control, faults } = opened();
    control.receiveJson({ action: "hello", protocol_version: "one" });
    expect(faults[0]?.message).toContain("protocol_version");
    expect(channels.ready).toBe(false);
    expect(channels.stats().dropped).toEqual({ "malformed-action": 1 });
  });

  it("listens to the first hello only", () => {
    const { channels, control, heard, faults } = opened();
    control.receiveJson(encodeHello(helloOf("bob-1")));
    control.receiveJson(encodeHello(helloOf("bob-2")));
    expect(heard).toEqual([["hello", "bob-1"]]);
    expect(channels.stats().dropped).toEqual({ "repeated-hello": 1 });
    expect(faults).toEqual([]);
  });

  it("reports a hello that cannot be sent", () => {
    const { control, faults } = setUp();
    control.refuses = true;
    control.start();
    expect(faults).toMatchObject([{ code: "DATA_CHANNEL_ERROR" }]);
  });

  it("exchanges data with a peer that never says hello", async () => {
    const { channels, data, heard } = opened();
    data.receive('{"type":"Text","payload":"hi"}');
    await channels.sendMessage({ type: "text", payload: "hello" });
    expect(channels.ready).toBe(false);
    expect(heard).toEqual([{ type: "text", payload: "hi" }]);
    expect(data.sent).toHaveLength(1);
  });
});

describe("sending and receiving", () => {
  function pair() {
    const alice = opened();
    const bob = opened();
    alice.data.other = bob.data;
    bob.data.other = alice.data;
    return { alice, bob };
  }

  it("carries messages and runtime data", async () => {
    const { alice, bob } = pair();
    await alice.channels.sendMessage({ type: "json", payload: { a: 1 } });
    await alice.channels.sendData({ type: "text", text: "hi", streamId: "s" }, { sequence: 1 });
    expect(bob.heard).toEqual([
      { type: "json", payload: { a: 1 } },
      [
        { type: "text", text: "hi", streamId: "s" },
        { sequence: 1, metadata: {} },
      ],
    ]);
    expect(bob.faults).toEqual([]);
  });

  it("counts messages and bytes of both directions", async () => {
    const { alice, bob } = pair();
    const before = alice.channels.stats();
    await alice.channels.sendMessage({ type: "binary", payload: new Uint8Array(100) });
    const sent = alice.channels.stats();
    expect(sent.messagesSent - before.messagesSent).toBe(1);
    expect(sent.bytesSent - before.bytesSent).toBe(100);
    expect(bob.channels.stats()).toMatchObject({ messagesReceived: 1, bytesReceived: 100 });
    const { data, control } = sent.channels;
    expect(data).toEqual({
      state: "open",
      messagesSent: 1,
      bytesSent: 100,
      messagesReceived: 0,
      bytesReceived: 0,
    });
    expect(sent.messagesSent).toBe(1 + (control?.messagesSent ?? 0));
    expect(Object.isFrozen(sent)).toBe(true);
  });

  it("numbers messages from 1 and marks their class", async () => {
    const { channels, data, control } = opened();
    await channels.sendMessage({ type: "text", payload: "a" });
    await channels.sendMessage({ type: "text", payload: "b" });
    const id = (bytes: Uint8Array | undefined): number | undefined => bytes?.[7];
    const priority = (bytes: Uint8Array | undefined): number => ((bytes?.[3] ?? 0) >> 2) & 3;
    expect([id(data.sent[0]), id(data.sent[1]), id(control.sent[0])]).toEqual([1, 2, 1]);
    expect([priority(data.sent[0]), priority(control.sent[0])]).toEqual([1, 0]);
  });

  it("rejects with DATA_CHANNEL_NOT_AVAILABLE before the channel is open and after it has closed", async () => {
    const { channels, data, heard } = setUp();
    const message: DataChannelMessage = { type: "text", payload: "x" };
    await expect(channels.sendMessage(message)).rejects.toMatchObject({
      code: "DATA_CHANNEL_NOT_AVAILABLE",
      peerId: "bob",
    });
    data.start();
    await channels.sendMessage(message);
    data.lose();
    await expect(channels.sendMessage(message)).rejects.toMatchObject({ code: "DATA_CHANNEL_NOT_AVAILABLE" });
    expect(heard).toContainEqual(["closed", "data"]);
  });

  it("rejects what does not fit with the number of bytes that would", async () => {
    const { channels, data } = opened();
    const send = (bytes: number): Promise<void> =>
      channels.sendMessage({ type: "binary", payload: new Uint8Array(bytes) });
    await send(65_516);
    await expect(send(65_517)).rejects.toMatchObject({
      code: "MESSAGE_TOO_LARGE",
      details: { bytes: 65_517, maxBytes: 65_516 },
    });
    data.maxMessageSize = 1_020;
    await expect(send(1_001)).rejects.toMatchObject({ details: { maxBytes: 1_000 } });
    await send(1_000);
  });

  it("rejects with SEND_BUFFER_FULL while 32 MiB are waiting", async () => {
    const { channels, data } = opened();
    data.bufferedAmount = MAX_BUFFERED_BYTES - 20;
    const message: DataChannelMessage = { type: "binary", payload: new Uint8Array(1) };
    await expect(channels.sendMessage(message)).rejects.toMatchObject({
      code: "SEND_BUFFER_FULL",
      retryable: true,
    });
    data.bufferedAmount--;
    await channels.sendMessage(message);
    expect(channels.stats().bufferedAmount).toBe(MAX_BUFFERED_BYTES - 21);
  });

  it("rejects what cannot be encoded and what the channel refuses", async () => {
    const { channels, data } = opened();
    const unsendable = { type: "json", payload: { at: 1n } } as unknown as DataChannelMessage;
    await expect(channels.sendMessage(unsendable)).rejects.toMatchObject({ code: "SERIALIZATION_ERROR" });
    data.refuses = true;
    await expect(channels.sendData({ type: "text", text: "x" })).rejects.toMatchObject({
      code: "DATA_CHANNEL_ERROR",
    });
  });
});

describe("garbage", () => {
  it.each<[string, Uint8Array | string]>([
    ["text-frame", "hello"],
    ["too-short", new Uint8Array(3)],
    ["bad-magic", new Uint8Array(40)],
    ["bad-json", encodeMessageFragment(FRAME_KINDS.json, 1, 1, utf8.encode("{"))],
    ["bad-legacy", "{}"],
  ])("is dropped as %s, reported, and the channel lives", (reason, frame) => {
    const { channels, data, heard, faults } = opened();
    data.receive(frame);
    expect(channels.stats().dropped).toEqual({ [reason]: 1 });
    expect(faults).toMatchObject([{ code: "DATA_CHANNEL_ERROR", peerId: "bob", details: { reason } }]);
    data.receive('{"type":"Text","payload":"still here"}');
    expect(heard).toEqual([{ type: "text", payload: "still here" }]);
  });

  it("on control is told from actions, known or not", () => {
    const { channels, control, faults } = opened();
    control.receive('{"type":"Text","payload":"hi"}');
    control.receiveJson({ action: "dance" });
    expect(channels.stats().dropped).toEqual({ "not-an-action": 1, "unknown-action": 1 });
    expect(faults.map(({ code }) => code)).toEqual(["DATA_CHANNEL_ERROR", "NOT_SUPPORTED"]);
    expect(faults[1]?.details).toEqual({ action: "dance" });
  });

  it("does not include receipts of later versions", () => {
    const { channels, data, faults } = opened();
    data.receive(encodeMessageFragment(FRAME_KINDS.ack, 0, 1, new Uint8Array(12)));
    expect(channels.stats().dropped).toEqual({ ack: 1 });
    expect(faults).toEqual([]);
  });

  it("never gets an exception of a listener, which becomes a fault", () => {
    const fail = (): never => {
      throw new Error("listener failed");
    };
    const { data, control, faults } = opened({ onMessage: fail, onData: fail, onHello: fail });
    data.receive('{"type":"Text","payload":"x"}');
    control.receiveJson(encodeHello(helloOf("bob-1")));
    expect(faults.map(({ code }) => code)).toEqual(["INTERNAL_ERROR", "INTERNAL_ERROR"]);
    const deaf = opened({ onFault: fail });
    expect(() => deaf.data.receive("garbage")).not.toThrow();
  });
});

describe("channels of foreign stacks", () => {
  it("are adopted under the reserved labels and used from then on", async () => {
    const { channels, data, heard } = opened();
    const foreign = new FakePort("data");
    foreign.open = true;
    channels.adopt(foreign);
    await channels.sendMessage({ type: "text", payload: "x" });
    expect([data.sent.length, foreign.sent.length]).toEqual([0, 1]);
    data.receive('{"type":"Text","payload":"old"}');
    expect(heard).toContainEqual({ type: "text", payload: "old" });
    foreign.lose();
    await channels.sendMessage({ type: "text", payload: "y" });
    expect(data.sent).toHaveLength(1);
  });

  it("are closed under any other label, and when there are too many", () => {
    const { channels, faults } = opened();
    const chat = new FakePort("chat");
    channels.adopt(chat);
    expect(chat.closed).toBe(true);
    const ports = Array.from({ length: 4 }, () => new FakePort("data"));
    for (const port of ports) channels.adopt(port);
    expect(ports.map((port) => port.closed)).toEqual([false, false, false, true]);
    expect(channels.stats().dropped).toEqual({ "unknown-label": 1, "surplus-channel": 1 });
    expect(faults).toHaveLength(2);
  });
});

describe("closing", () => {
  it("closes every port, leaves no timer and reports nothing more", async () => {
    const { clock, channels, control, data, heard, faults } = opened();
    channels.close();
    channels.close();
    expect([control.closed, data.closed]).toEqual([true, true]);
    expect(clock.pending).toBe(0);
    control.receiveJson(encodeHello(helloOf("bob-1")));
    data.receive("garbage");
    data.lose();
    expect([heard, faults]).toEqual([[], []]);
    await expect(channels.whenReady).rejects.toMatchObject({ code: "DATA_CHANNEL_ERROR" });
    await expect(channels.sendMessage({ type: "text", payload: "x" })).rejects.toMatchObject({
      code: "DATA_CHANNEL_NOT_AVAILABLE",
    });
  });

  it("closes ports that come afterwards", () => {
    const { channels } = opened();
    channels.close();
    const late = new FakePort("data");
    channels.adopt(late);
    expect(late.closed).toBe(true);
  });
});

describe("channel options", () => {
  it("are those both sides agree on", () => {
    expect(CONTROL_CHANNEL).toEqual({ label: "control", id: 100, ordered: true });
    expect(dataChannelOptions("reliable")).toEqual({ label: "data", id: 102, ordered: true });
    expect(dataChannelOptions("unreliable")).toEqual({
      label: "data",
      id: 102,
      ordered: false,
      maxRetransmits: 0,
    });
  });
});
