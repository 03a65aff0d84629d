// A transport in Node with impaired signaling and a page of Chromium that knows nothing of it: the relay of the Node side
// impairs both directions, whoever offers, and the browser finds no way around it.
import { afterAll, beforeAll, expect, it } from "vitest";
import { SignalingClient, WebRtcTransport } from "../../src/node.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import { ImpairmentRelay, impairSignaling } from "../../src/testing/node/node.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { openBrowserPage } from "./browser-harness.ts";
import type { BrowserPage } from "./browser-harness.ts";

const BLOCK_MS = 20;
const PACKETS = 200;
const LOSS = 0.3;

/** What one side has received. */
interface Received {
  packets: number;
  lost: number;
}

/** What the page below exports. */
interface PageApi {
  join(url: string, room: string): Promise<void>;
  peers(): number;
  talk(on: boolean): void;
  received(): Received;
  leave(): Promise<void>;
}

const PAGE = `
  import { WebRtcTransport } from "../../src/browser.ts";
  let transport, timer;
  export async function join(signalingUrl, room) {
    transport = new WebRtcTransport({ signalingUrl, room, peerId: "page", networkMode: "lan" });
    await transport.start();
  }
  export const peers = () => transport.listPeers().length;
  export function talk(on) {
    clearInterval(timer);
    const block = { type: "audio", samples: new Float32Array(960).fill(0.1), sampleRate: 48000, channels: 1 };
    if (on) timer = setInterval(() => void transport.broadcast(block).catch(() => undefined), 20);
  }
  export function received() {
    const inbound = transport.stats().peers[0]?.audio?.inbound;
    return { packets: inbound?.packetsReceived ?? 0, lost: inbound?.packetsLost ?? 0 };
  }
  export const leave = () => transport.shutdown();
`;

declare const page: PageApi;

async function eventually(what: string, check: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 15_000;
  while (!(await check())) {
    if (performance.now() > endMs) throw new Error(`never happened: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describeUnless(NO_CHROMIUM, "an impaired Node peer and Chromium", { timeout: 40_000 }, () => {
  const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
  let browser: BrowserPage;
  let url = "";

  beforeAll(async () => {
    ({ url } = await server.start());
    browser = await openBrowserPage({ source: PAGE, resolveDir: import.meta.dirname });
  }, 60_000);

  afterAll(async () => {
    await browser?.close();
    await server.close();
  });

  it.each(["node", "page"] as const)(
    "lose what was asked for in both directions when %s offers",
    async (last) => {
      const relay = new ImpairmentRelay({ seed: 5 });
      const room = `room-${last}`;
      const node = new WebRtcTransport({
        signaling: impairSignaling(new SignalingClient({ url }), relay),
        room,
        peerId: "node",
        networkMode: "lan",
        bindAddress: "127.0.0.1",
        rtcpIntervalMs: 1_000,
        logLevel: "silent",
      });
      const join = {
        node: () => node.start(),
        page: () => browser.page.evaluate(([to, name]) => page.join(to!, name!), [url, room]),
      };
      await join[last === "node" ? "page" : "node"]();
      await join[last]();
      await eventually("connected", async () => {
        return node.listPeers().length === 1 && (await browser.page.evaluate(() => page.peers())) === 1;
      });

      const received = async (): Promise<Received[]> => {
        const inbound = node.stats().peers[0]?.audio?.inbound;
        const own = { packets: inbound?.packetsReceived ?? 0, lost: inbound?.packetsLost ?? 0 };
        return [own, await browser.page.evaluate(() => page.received())];
      };
      const block = {
        type: "audio",
        samples: new Float32Array(960).fill(0.1),
        sampleRate: 48_000,
        channels: 1,
      } as const;
      const timer = setInterval(() => void node.broadcast(block).catch(() => undefined), BLOCK_MS);
      await browser.page.evaluate(() => page.talk(true));
      relay.set({ loss: LOSS });
      await eventually("each has been sent enough", async () =>
        (await received()).every(({ packets, lost }) => packets + lost >= PACKETS),
      );
      for (const { packets, lost } of await received()) {
        console.log(`${lost} of ${packets + lost} packets lost`);
        expect(lost / (packets + lost)).toBeGreaterThan(LOSS - 0.12);
        expect(lost / (packets + lost)).toBeLessThan(LOSS + 0.12);
      }

      relay.set({ loss: 1 });
      await eventually("nothing is under way", async () => relay.counters.queued === 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
      const [before, lostBefore] = [await received(), relay.counters.lost];
      await eventually("half a second of both is lost", async () => relay.counters.lost >= lostBefore + 50);
      const packets = (all: Received[]): number[] => all.map((each) => each.packets);
      expect(packets(await received())).toEqual(packets(before));

      clearInterval(timer);
      relay.set({ loss: 0 });
      await browser.page.evaluate(() => page.talk(false));
      await browser.page.evaluate(() => page.leave());
      await node.shutdown();
      await relay.close();
      expect(browser.log.filter((line) => line.startsWith("uncaught"))).toEqual([]);
    },
  );
});
