import { describe, expect, it } from "vitest";
import { PeerManager } from "../../src/peer/peer-manager.ts";

const manager = (options: { maxPeers?: number; allowPeers?: string[]; denyPeers?: string[] } = {}) =>
  new PeerManager<object>({ maxPeers: 2, allowPeers: undefined, denyPeers: undefined, ...options });

describe("PeerManager", () => {
  it("holds at most maxPeers", () => {
    const peers = manager();
    peers.addPeer("a", {});
    peers.admit("b");
    peers.addPeer("b", {});
    expect(() => peers.admit("c")).toThrow(
      expect.objectContaining({ code: "MAX_PEERS_EXCEEDED", peerId: "c" }),
    );
  });

  it("makes room when a peer is removed, but not when its successor holds the id", () => {
    const peers = manager({ maxPeers: 1 });
    const [old, young] = [{}, {}];
    peers.addPeer("a", old);
    peers.addPeer("a", young);
    peers.removePeer("a", old);
    expect(peers.getPeer("a")).toBe(young);
    peers.removePeer("a", young);
    expect(peers.size).toBe(0);
    peers.admit("b");
  });

  it("keeps denied peers out even when allowed, and all others than the allowed", () => {
    const peers = manager({ allowPeers: ["a", "b"], denyPeers: ["b"] });
    peers.admit("a");
    for (const id of ["b", "c"]) {
      expect(() => peers.admit(id)).toThrow(expect.objectContaining({ code: "PEER_REJECTED" }));
    }
  });

  it("remembers who was here, up to a bound", () => {
    const peers = manager({ maxPeers: 10 });
    for (let i = 0; i < 2_000; i++) {
      const peer = {};
      peers.addPeer(`p${i}`, peer);
      peers.removePeer(`p${i}`, peer);
    }
    expect(peers.hasSeen("p1999")).toBe(true);
    expect(peers.hasSeen("p0")).toBe(false);
    expect(peers.listPeers()).toEqual([]);
  });
});
