// Two connections to each other over simulated links, with nothing between them but the signals.
import { expect, it } from "vitest";
import type { ControlMessage } from "../../src/channels/control-actions.ts";
import type { HelloFields } from "../../src/channels/control.ts";
import { resolveConfig } from "../../src/config/config.ts";
import { PeerConnection } from "../../src/peer/peer-connection.ts";
import type { SignalingChannel } from "../../src/platform/signaling-channel.ts";
import { Emitter } from "../../src/runtime/emitter.ts";
import { SimulatedNetwork } from "../../src/testing/simulated-platform.ts";
import { VirtualClock } from "../../src/testing/virtual-clock.ts";

/** A peer that has one other peer, and writes down what that one asks. */
class Side {
  readonly heard: ControlMessage[] = [];
  readonly connection: PeerConnection;
  other: Side | undefined;
  hello: HelloFields;

  constructor(network: SimulatedNetwork, localId: string, remoteId: string) {
    this.hello = {
      ...{ protocolVersion: 1, instanceId: localId, capabilities: ["data"], codecs: [] },
      audioLookaheadSamples: 312,
    };
    const config = resolveConfig({ networkMode: "lan", audio: { enabled: false } });
    const signaling = this.#signaling(localId);
    const nothing = (): void => undefined;
    this.connection = new PeerConnection(
      {
        ...{ platform: network.platform(localId), signaling, config, localId, remoteId },
        ...{ hello: () => this.hello, openMedia: undefined, video: undefined },
      },
      {
        ...{ stateChange: nothing, connected: nothing, failed: nothing, ended: nothing, frame: nothing },
        ...{ syncState: nothing, message: nothing, data: nothing, fault: nothing },
        control: (message, answer) => {
          this.heard.push(message);
          if (message.type === "ping") {
            answer({ type: "pong", reply: { type: "pong", pingTimestampMs: 1, pongTimestampMs: 2 } });
          }
          return undefined;
        },
      },
    );
  }

  #signaling(from: string): SignalingChannel {
    const none = (): Promise<never> => Promise.reject(new Error("there is no room"));
    const events = new Emitter<never>(() => undefined);
    const to = (): PeerConnection => this.other!.connection;
    return {
      ...{ state: "connected", connect: none, announce: none, listPeers: none, leave: none, close: none },
      ...{ on: events.on.bind(events), once: events.once.bind(events) },
      sendOffer: async (_, sdp, exchange) => to().receiveOffer({ from, sdp, canTrickle: true, ...exchange }),
      sendAnswer: async (_, sdp, exchange) =>
        to().receiveAnswer({ from, sdp, canTrickle: true, ...exchange }),
      sendIceCandidate: (_, candidate, exchange) =>
        to().receiveCandidate({ from, ...candidate, ...exchange }),
      sendDisconnect: (_, reason, connectionId = null as never) =>
        to().receiveDisconnect({ from, reason, details: null, connectionId }),
    };
  }
}

function meet() {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock });
  const [alice, bob] = [new Side(network, "alice", "bob"), new Side(network, "bob", "alice")];
  [alice.other, bob.other] = [bob, alice];
  return { clock, alice, bob };
}

it("knows what the other side says of itself while it is connected, anew each time", async () => {
  const { clock, alice, bob } = meet();
  bob.hello = { ...bob.hello, maxVideo: { width: 1280, height: 720, fps: 30 } };
  expect(alice.connection.hello).toBeUndefined();
  await clock.until(alice.connection.connect({}));
  await clock.run(100);
  expect(alice.connection.hello).toEqual(bob.hello);
  expect(bob.connection.hello?.maxVideo).toBeUndefined();
  await clock.until(alice.connection.disconnect("user_requested"));
  expect(alice.connection.hello).toBeUndefined();
  await clock.run(100);
  bob.hello = { ...bob.hello, maxVideo: { width: 640, height: 360, fps: 15 } };
  await clock.until(alice.connection.connect({}));
  await clock.run(100);
  expect(alice.connection.hello?.maxVideo).toEqual({ width: 640, height: 360, fps: 15 });
});

it("carries control actions there and answers back", async () => {
  const { clock, alice, bob } = meet();
  await clock.until(alice.connection.connect({}));
  alice.connection.active?.live.channels?.sendControl({ type: "ping", timestampMs: 1 });
  await clock.run(100);
  expect(bob.heard).toEqual([{ type: "ping", timestampMs: 1 }]);
  expect(alice.heard).toEqual([
    { type: "pong", reply: { type: "pong", pingTimestampMs: 1, pongTimestampMs: 2 } },
  ]);
});
