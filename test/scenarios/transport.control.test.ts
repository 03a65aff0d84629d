// What one transport asks of another over their connection: who may, what comes back, and what becomes of strangers.
import { describe, expect, it } from "vitest";
import type { WebRtcTransportOptions } from "../../src/config/config.ts";
import { encodeMessageFragment, FRAME_KINDS } from "../../src/channels/framing.ts";
import type { ChannelPort } from "../../src/platform/platform.ts";
import type { RuntimeData } from "../../src/runtime/data.ts";
import type { TransportEvents } from "../../src/transport/events.ts";
import type { WebRtcTransport } from "../../src/transport/webrtc-transport.ts";
import { closeEachWorld, codeOf, open, pair, rejection, world } from "./transport-world.ts";
import { warmUpVideo } from "./video-world.ts";

closeEachWorld();
warmUpVideo();

/** Alice, and Bob with options of his own, connected. */
async function meet(options: WebRtcTransportOptions): Promise<[WebRtcTransport, WebRtcTransport]> {
  open();
  const [a, b] = [world.transport("alice"), world.transport("bob", options)] as const;
  await world.clock.until(a.start());
  await world.clock.until(b.start());
  await world.clock.run(1_000);
  return [a, b];
}

function controlOf(transport: WebRtcTransport): TransportEvents["control"][] {
  const heard: TransportEvents["control"][] = [];
  transport.on("control", (event) => heard.push(event));
  return heard;
}

/** The control channels that a transport opens from now on, and what it sends over them. */
function watchControl(peerId: string): { ports: ChannelPort[]; texts: string[] } {
  const ports: ChannelPort[] = [];
  const texts: string[] = [];
  const platform = world.network.platform(peerId);
  const openPeerLink = platform.openPeerLink.bind(platform);
  platform.openPeerLink = (options, events) => {
    const link = openPeerLink(options, events);
    const port = link.channels.get("control");
    if (port === undefined) return link;
    ports.push(port);
    const send = port.send.bind(port);
    port.send = (bytes) => {
      texts.push(new TextDecoder().decode(bytes));
      send(bytes);
    };
    return link;
  };
  return { ports, texts };
}

const pause = { type: "pause", sessionId: "s1" } as const;

describe("control", () => {
  it("asks how the other side is, both ways, and what time it has", async () => {
    const [a, b] = await pair();
    const ask = (transport: WebRtcTransport, peerId: string) =>
      world.clock.until(transport.sendControl(peerId, { type: "getStatus" }));
    expect(await ask(a, "bob")).toMatchObject({ type: "status", state: "started", activeNodes: [] });
    expect(await ask(b, "alice")).toMatchObject({ type: "status", state: "started", activeNodes: [] });
    const pong = await world.clock.until(a.sendControl("bob", { type: "ping" }));
    expect(pong.pongTimestampMs - pong.pingTimestampMs).toBeGreaterThanOrEqual(0);
    expect(pong.pongTimestampMs - pong.pingTimestampMs).toBeLessThan(10);
  });

  it("carries what only the programs know", async () => {
    const [a, b] = await pair();
    const heard = controlOf(b);
    const action = { type: "custom", messageType: "app.volume", data: { to: 3 } } as const;
    expect(await world.clock.until(a.sendControl("bob", action))).toBe(null);
    await world.clock.run(100);
    expect(heard).toEqual([{ peerId: "alice", action, allowed: true }]);
  });

  it("lets nobody change anything by default", async () => {
    const [a, b] = await pair();
    const heard = controlOf(b);
    for (const action of [
      pause,
      { type: "resume", sessionId: "s1" },
      { type: "reconfigure", sessionId: "s1", manifest: { version: "v1" } },
    ] as const) {
      const reply = await world.clock.until(a.sendControl("bob", action));
      expect(reply).toMatchObject({ ok: false, error: { code: "UNAUTHORIZED" } });
      expect(heard.pop()).toEqual({ peerId: "alice", action, allowed: false });
    }
  });

  it("D17: asks authorizeControl, and knows no session that is not there", async () => {
    const authorizeControl = async (peerId: string): Promise<boolean> => peerId === "alice";
    const [a, b] = await meet({ authorizeControl });
    const reply = await world.clock.until(a.sendControl("bob", pause));
    expect(reply).toMatchObject({ ok: false, error: { code: "SESSION_NOT_FOUND" } });
    const status = await world.clock.until(a.sendControl("bob", { type: "getStatus", sessionId: "s1" }));
    expect(status).toMatchObject({ ok: false, error: { code: "SESSION_NOT_FOUND" } });
    const back = await world.clock.until(b.sendControl("alice", pause));
    expect(back).toMatchObject({ ok: false, error: { code: "UNAUTHORIZED" } });
  });

  it("gives up when no reply comes, and counts the one that comes later", async () => {
    let allow: (answer: boolean) => void = () => undefined;
    const [a] = await meet({ authorizeControl: () => new Promise((resolve) => (allow = resolve)) });
    expect(await rejection(a.sendControl("bob", pause, { timeoutMs: 1_000 }))).toBe("OPERATION_TIMEOUT");
    allow(true);
    await world.clock.run(100);
    expect(a.stats().peers[0]?.channels?.dropped).toEqual({ "stray-reply": 1 });
  });

  it("ends what waits when the peer goes", async () => {
    const [a, b] = await meet({ authorizeControl: () => new Promise(() => undefined) });
    const call = codeOf(a.sendControl("bob", pause));
    await world.clock.run(100);
    await world.clock.until(b.shutdown());
    await world.clock.run(100);
    expect(await call).toBe("PEER_NOT_CONNECTED");
    expect(await rejection(a.sendControl("bob", pause))).toBe("PEER_NOT_CONNECTED");
    expect(await rejection(a.sendControl("carol", pause))).toBe("PEER_NOT_FOUND");
  });

  it("needs the channel it goes over, and what JSON can say", async () => {
    open();
    const [c, d] = ["carol", "dave"].map((id) => world.transport(id, { enableDataChannel: false }));
    await world.clock.until(c!.start());
    await world.clock.until(d!.start());
    await world.clock.run(1_000);
    expect(await rejection(c!.sendControl("dave", pause))).toBe("DATA_CHANNEL_NOT_AVAILABLE");
    const [a] = await world.join("alice", "bob");
    const manifest = { count: 1n };
    expect(await rejection(a!.sendControl("bob", { type: "reconfigure", sessionId: "s1", manifest }))).toBe(
      "SERIALIZATION_ERROR",
    );
    expect(await rejection(a!.sendControl("bob", { type: "pause", sessionId: "a b" }))).toBe("INVALID_DATA");
  });

  it("takes a reply from nobody but the peer that was asked", async () => {
    open();
    const [asking, forging] = [watchControl("alice"), watchControl("mallory")];
    const hang = { authorizeControl: () => new Promise<boolean>(() => undefined) };
    const [a] = await world.join("alice");
    await world.clock.until(world.transport("bob", hang).start());
    await world.join("mallory");
    const call = codeOf(a!.sendControl("bob", pause, { timeoutMs: 500 }));
    await world.clock.run(100);
    const requestId = /"request_id":"([^"]+)"/.exec(asking.texts.join("\n"))?.[1];
    expect(requestId).toBeDefined();
    const forged = JSON.stringify({ action: "result", request_id: requestId, ok: true });
    for (const port of forging.ports) {
      port.send(encodeMessageFragment(FRAME_KINDS.json, 0, 77, new TextEncoder().encode(forged)));
    }
    await world.clock.run(500);
    const mallory = a!.stats().peers.find(({ peerId }) => peerId === "mallory");
    expect(mallory?.channels?.dropped).toEqual({ "stray-reply": 1 });
    expect(await call).toBe("OPERATION_TIMEOUT");
  });

  it("begins with the largest video that is sent, when there is any", async () => {
    open();
    const { texts } = watchControl("alice");
    const limits = (): (string | undefined)[] =>
      texts.filter((text) => text.includes('"hello"')).map((text) => /"max_video":\{.*?\}/.exec(text)?.[0]);
    const video = { enabled: true, resolution: "480p", framerateFps: 24 } as const;
    const a = world.transport("alice", { video });
    await world.clock.until(a.start());
    await world.join("bob");
    expect(limits()).toEqual(['"max_video":{"width":854,"height":480,"fps":24}']);
    a.configure({ maxVideoResolution: "360p" });
    await world.join("carol");
    expect(limits()[1]).toBe('"max_video":{"width":640,"height":360,"fps":24}');
    const bare = watchControl("dave");
    await world.join("dave");
    expect(bare.texts.join()).not.toContain("max_video");
  });

  it("brings tensors and words to whoever works on a stream", async () => {
    const [a, b] = await pair();
    const got: unknown[] = [];
    b.on("data", ({ data }) => got.push(data));
    const tensor: RuntimeData = {
      type: "tensor",
      data: Uint8Array.of(1, 2, 3, 4),
      shape: [2, 2],
      dtype: "u8",
    };
    const word = { type: "control", message: "cancel", value: { reason: "barge-in" } } as const;
    await world.clock.until(a.sendToPeer("bob", tensor));
    await world.clock.until(a.sendToPeer("bob", word));
    await world.clock.run(100);
    expect(got).toEqual([tensor, word]);
  });
});
