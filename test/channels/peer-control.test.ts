// Control actions of programs over the channels of a peer: passed on, refused, or dropped with a reason.
import { expect, it } from "vitest";
import type { ControlMessage } from "../../src/channels/control-actions.ts";
import { encodeHello } from "../../src/channels/control.ts";
import { PeerChannels } from "../../src/channels/data-channel.ts";
import type { ControlRefusal } from "../../src/channels/data-channel.ts";
import { decodeMessageFragment } from "../../src/channels/framing.ts";
import type { TransportError } from "../../src/errors/errors.ts";
import type { JsonValue } from "../../src/runtime/data.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";
import { FakePort } from "./fake-port.ts";

const HELLO = {
  protocolVersion: 1,
  instanceId: "i",
  capabilities: [],
  codecs: [],
  audioLookaheadSamples: 312,
};

function setUp(onControl: (message: ControlMessage) => ControlRefusal | undefined = () => undefined) {
  const faults: TransportError[] = [];
  const control = new FakePort("control");
  const nothing = (): void => undefined;
  const channels = new PeerChannels({
    ...{ peerId: "bob", clock: new VirtualClock(), hello: HELLO },
    ...{ onHello: nothing, onVideoSignal: nothing, onMessage: nothing, onData: nothing },
    onControl,
    onFault: (error) => faults.push(error),
  });
  channels.attach("control", control);
  control.start();
  /** What was sent after our hello. */
  const sent = (): JsonValue[] =>
    control.sent.slice(1).map((frame) => {
      const message = decodeMessageFragment(frame);
      if (typeof message === "string") throw new Error(message);
      return JSON.parse(new TextDecoder().decode(message.payload)) as JsonValue;
    });
  return { faults, control, channels, sent };
}

it("passes on what one program asks of the other", () => {
  const heard: ControlMessage[] = [];
  const { control, faults } = setUp((message) => void heard.push(message));
  control.receiveJson(encodeHello(HELLO));
  control.receiveJson({ action: "pause", request_id: "r1", session_id: "s1" });
  expect(heard).toEqual([{ type: "request", requestId: "r1", action: { type: "pause", sessionId: "s1" } }]);
  expect(faults).toEqual([]);
});

it("drops an action of a peer that has not said hello", () => {
  const { control, channels, sent } = setUp(() => expect.unreachable());
  control.receiveJson({ action: "pause", request_id: "r1", session_id: "s1" });
  expect(channels.stats().dropped).toEqual({ "action-before-hello": 1 });
  expect(sent()).toEqual([]);
});

it("refuses unknown and malformed requests, and stays silent where nobody waits", () => {
  const { control, channels, sent } = setUp();
  control.receiveJson(encodeHello(HELLO));
  control.receiveJson({ action: "dance", request_id: "r1" });
  control.receiveJson({ action: "dance" });
  control.receiveJson({ action: "pause", request_id: "r2" });
  control.receiveJson({ action: "result", request_id: "r3" });
  expect(sent()).toMatchObject([
    { action: "result", request_id: "r1", ok: false, error: { code: "NOT_SUPPORTED" } },
    { action: "result", request_id: "r2", ok: false, error: { code: "INVALID_DATA" } },
  ]);
  expect(channels.stats().dropped).toEqual({ "unknown-action": 2, "malformed-action": 2 });
});

it("counts what is dropped further up", () => {
  const { control, channels, faults } = setUp(() => "stray-reply");
  control.receiveJson(encodeHello(HELLO));
  control.receiveJson({ action: "result", request_id: "r1", ok: true });
  expect(channels.stats().dropped).toEqual({ "stray-reply": 1 });
  expect(faults).toEqual([]);
});

it("says so when an answer cannot leave", () => {
  const { control, faults } = setUp();
  control.receiveJson(encodeHello(HELLO));
  control.refuses = true;
  control.receiveJson({ action: "pause", request_id: "r1" });
  expect(faults.map(({ code }) => code)).toEqual(["DATA_CHANNEL_ERROR", "DATA_CHANNEL_ERROR"]);
});
