// How long two Node peers take to connect: ours with signaling, from start() of the later one to peerConnected on
// both sides, against a bare pair of node-datachannel that exchanges descriptions by function calls.
import ndc from "node-datachannel";
import type { DataChannel, PeerConnection } from "node-datachannel";
import { WebRtcTransport } from "../../src/node.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import type { Bench, Distribution, Sampler } from "../bench.ts";

const PAIRS = 50;
/** A lost first DTLS message costs a second: anything beyond this is that stall. */
const SLOW_MS = 900;
const GOAL_P95_MS = 150;
const RETRY_MS = 1;
const MAX_TRIES = 100;
const CLOSE_MS = 200;
/** A bare pair that takes longer has failed for good; it counts as this long. */
const GIVE_UP_MS = 5_000;

async function distributions(): Promise<Distribution[]> {
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  const { url } = await server.start();
  return [
    {
      name: "connect a pair of Node peers",
      ours: ourPair(url),
      baseline: barePair(),
      count: PAIRS,
      slowMs: SLOW_MS,
      goalP95Ms: GOAL_P95_MS,
      close: () => server.close(),
    },
  ];
}

function ourPair(signalingUrl: string): Sampler {
  let rooms = 0;
  return {
    name: "WebRtcTransport with signaling",
    sample: async () => {
      const room = `room-${rooms++}`;
      const join = (): WebRtcTransport =>
        new WebRtcTransport({ signalingUrl, room, networkMode: "lan", bindAddress: "127.0.0.1" });
      const [first, second] = [join(), join()];
      await first.start();
      const connected = Promise.all(
        [first, second].map((peer) => new Promise((resolve) => peer.once("peerConnected", resolve))),
      );
      const beganMs = performance.now();
      await second.start();
      await connected;
      const tookMs = performance.now() - beganMs;
      await Promise.all([first.shutdown(), second.shutdown()]);
      return tookMs;
    },
  };
}

function barePair(): Sampler {
  return {
    name: "node-datachannel alone, no signaling",
    sample: async () => {
      const options = { iceServers: [], bindAddress: "127.0.0.1", disableAutoNegotiation: true };
      const [a, b] = [new ndc.PeerConnection("a", options), new ndc.PeerConnection("b", options)];
      const channels: DataChannel[] = [];
      const beganMs = performance.now();
      introduce(a, b, "answer");
      introduce(b, a, undefined);
      await new Promise<void>((resolve) => {
        b.onDataChannel((channel) => {
          channels.push(channel);
          resolve();
        });
        const channel = a.createDataChannel("data");
        channels.push(channel);
        a.setLocalDescription("offer");
        setTimeout(resolve, GIVE_UP_MS);
      });
      const tookMs = performance.now() - beganMs;
      // References must outlive the native side.
      const closed = [a, b].map(
        (peer) =>
          new Promise<void>((resolve) => peer.onStateChange((state) => state === "closed" && resolve())),
      );
      for (const channel of channels) channel.close();
      a.close();
      b.close();
      // A pair that has failed may have closed before anybody listened.
      await Promise.race([Promise.all(closed), new Promise((resolve) => setTimeout(resolve, CLOSE_MS))]);
      return tookMs;
    },
  };
}

// What `from` says goes to `to`. An exception in a native callback would end the process, and a candidate that comes
// before the other side can take it is refused: it tries again.
function introduce(from: PeerConnection, to: PeerConnection, reply: "answer" | undefined): void {
  const insist = (call: () => void, tries = MAX_TRIES): void => {
    try {
      call();
    } catch {
      if (tries > 0) setTimeout(() => insist(call, tries - 1), RETRY_MS);
    }
  };
  from.onLocalDescription((sdp, type) =>
    insist(() => {
      to.setRemoteDescription(sdp, type);
      if (reply !== undefined) to.setLocalDescription(reply);
    }),
  );
  from.onLocalCandidate((candidate, mid) => insist(() => to.addRemoteCandidate(candidate, mid)));
}

const bench: Bench = { runtimes: ["node"], cases: () => [], distributions };
export default bench;
