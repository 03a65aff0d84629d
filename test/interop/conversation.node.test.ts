// A transport in Node and one in Chromium, in a room of a real signaling server: audio and data both ways, each
// side having joined last, and so offered, once.
import { afterAll, beforeAll, expect, it } from "vitest";
import { WebRtcTransport } from "../../src/node.ts";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { openBrowserPage } from "./browser-harness.ts";
import type { BrowserPage } from "./browser-harness.ts";

const BLOCKS = 100;
const BLOCK_MS = 20;
const TONES = { node: 440, page: 1_000 };

/** What the page below exports. */
interface PageApi {
  join(url: string, room: string): Promise<void>;
  connected: string[];
  messages: unknown[];
  heard: { quality: string; samples: number; power: Record<string, number> }[];
  speak(blocks: number): Promise<void>;
  send(text: string): Promise<void>;
  stats(): unknown;
  leave(): Promise<void>;
}

const PAGE = `
  import { WebRtcTransport } from "../../src/browser.ts";
  import { tone, powerAt } from "./tones.ts";
  export let connected = [];
  export let messages = [];
  export let heard = [];
  let transport;
  export async function join(signalingUrl, room) {
    connected = []; messages = []; heard = [];
    transport = new WebRtcTransport({ signalingUrl, room, peerId: "page", networkMode: "lan" });
    transport.on("peerConnected", ({ peerId }) => connected.push(peerId));
    transport.on("dataChannelMessage", ({ message }) => messages.push(message));
    await transport.start();
    void (async () => {
      for await (const frame of transport.frames()) {
        heard.push({ quality: frame.quality, samples: frame.samples.length, power: powerAt(frame.samples, [440, 1000]) });
      }
    })();
  }
  export async function speak(blocks) {
    for (let index = 0; index < blocks; index++) {
      await transport.sendToPeer("node", { type: "audio", samples: tone(1000, index), sampleRate: 48000, channels: 1 });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
  export const send = (text) => transport.sendDataChannelMessage("node", { type: "text", payload: text });
  export const stats = () => JSON.parse(JSON.stringify(transport.stats()));
  export const leave = () => transport.shutdown();
`;

declare const page: PageApi;

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function eventually(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 10_000;
  while (!(await check())) {
    if (performance.now() > endMs) throw new Error(`never happened: ${what}`);
    await sleep(50);
  }
}

describeUnless(NO_CHROMIUM, "Node and Chromium", { timeout: 30_000 }, () => {
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
    "talk both ways when %s joins last and offers",
    async (last) => {
      const room = `room-${last}`;
      const node = new WebRtcTransport({
        signalingUrl: url,
        room,
        peerId: "node",
        networkMode: "lan",
        bindAddress: "127.0.0.1",
      });
      const messages: unknown[] = [];
      const reasons: string[] = [];
      node.on("dataChannelMessage", ({ message }) => messages.push(message));
      node.on("peerDisconnected", ({ reason }) => reasons.push(reason));
      const join = {
        node: () => node.start(),
        page: () => browser.page.evaluate(([to, name]) => page.join(to!, name!), [url, room]),
      };
      await join[last === "node" ? "page" : "node"]();
      await join[last]();
      await eventually("connected", async () => {
        const seen = await browser.page.evaluate(() => page.connected);
        return seen.includes("node") && node.listPeers().length === 1;
      });
      const heard: { quality: string; power: Record<string, number> }[] = [];
      const { powerAt, tone } = await import("./tones.ts");
      void (async () => {
        for await (const { quality, samples } of node.frames()) {
          heard.push({ quality, power: powerAt(samples, Object.values(TONES)) });
        }
      })();

      const speaking = browser.page.evaluate((blocks) => page.speak(blocks), BLOCKS);
      for (let index = 0; index < BLOCKS; index++) {
        await node.sendToPeer("page", {
          type: "audio",
          samples: tone(TONES.node, index),
          sampleRate: 48_000,
          channels: 1,
        });
        await sleep(BLOCK_MS);
      }
      await speaking;
      await node.sendDataChannelMessage("page", { type: "json", payload: { from: "node" } });
      await browser.page.evaluate(() => page.send("from the page"));
      await eventually("messages", async () => {
        return messages.length > 0 && (await browser.page.evaluate(() => page.messages)).length > 0;
      });

      expect(messages).toEqual([{ type: "text", payload: "from the page" }]);
      expect(await browser.page.evaluate(() => page.messages)).toEqual([
        { type: "json", payload: { from: "node" } },
      ]);
      // Each hears the other's tone and not its own; a busy machine may cost some frames.
      const clear = (frames: typeof heard, own: number, other: number): number =>
        frames.filter(({ power }) => power[own]! > 0.01 && power[other]! < power[own]! / 100).length;
      let counts = [0, 0];
      await eventually("clear frames of the other side", async () => {
        const heardByPage = await browser.page.evaluate(() => page.heard);
        counts = [clear(heardByPage, TONES.node, TONES.page), clear(heard, TONES.page, TONES.node)];
        return Math.min(...counts) > BLOCKS / 2;
      }).catch(async (error: unknown) => {
        const stats = await browser.page.evaluate(() => page.stats());
        throw new Error(
          `${String(error)}: ${counts.join()}\npage ${JSON.stringify(stats)}\nnode ${JSON.stringify(node.stats())}`,
        );
      });

      await browser.page.evaluate(() => page.leave());
      await eventually("the page has left", () => reasons.length > 0);
      expect(reasons).toEqual(["user_requested"]);
      await node.shutdown();
      expect(browser.log.filter((line) => line.startsWith("uncaught"))).toEqual([]);
    },
    30_000,
  );
});
