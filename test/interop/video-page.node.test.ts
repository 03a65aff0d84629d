// A transport in Node and one in Chromium that show each other moving pictures, each side having offered the main
// connection and the video connection once: every picture that is shown is one that was drawn, and hardly any is missing.
import { afterAll, beforeAll, expect, it } from "vitest";
import { SignalingServer } from "../../src/signaling-server/server.ts";
import type { Impairment } from "../../src/testing/impairment.ts";
import { ImpairmentRelay } from "../../src/testing/node/node.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { openBrowserPage } from "./browser-harness.ts";
import type { BrowserPage } from "./browser-harness.ts";
import type { PageVideoPeer } from "./page-video-peer.ts";
import { eventually, PATTERN, sleep, VideoPeer } from "./video-peer.ts";

/** Four seconds of pictures. */
const PICTURES = 60;
/** In the code of the page's pictures. */
const PAGE_SENDER = 7;
const NODE_SENDER = 3;

describeUnless(
  NO_CHROMIUM,
  "a call with video between Node and Chromium",
  { timeout: 60_000, retry: 2 },
  () => {
    const server = new SignalingServer({ port: 0, host: "127.0.0.1" });
    let browser: BrowserPage;
    let url = "";
    /** A second try must not meet the peers of the first. */
    let rooms = 0;

    beforeAll(async () => {
      ({ url } = await server.start());
      const source = 'export * from "./page-video-peer.ts";';
      browser = await openBrowserPage({ source, resolveDir: import.meta.dirname });
    }, 60_000);
    afterAll(async () => {
      await browser?.close();
      await server.close();
    });

    /** Call into the page. */
    const inPage = <T, A>(call: (api: PageVideoPeer, argument: A) => T, argument: A): Promise<Awaited<T>> =>
      // The function travels as its source; it may use nothing but its parameters.
      browser.page.evaluate<Awaited<T>>(`(${String(call)})(window.page, ${JSON.stringify(argument)})`);

    /** Smaller ids offer video; who joins last offers the main connection. */
    const CASES: [name: string, pageId: string, last: "node" | "page", impairment?: Impairment][] = [
      ["shows every picture when the page offers video", "a-page", "node"],
      ["shows every picture when Node offers video", "z-page", "page"],
      [
        "shows no broken picture where packets are lost",
        "a-page",
        "page",
        { loss: 0.05, delayMs: 20, seed: 4 },
      ],
    ];

    it.each(CASES)("%s", async (name, pageId, last, impairment) => {
      const relay = impairment === undefined ? undefined : new ImpairmentRelay(impairment);
      const room = `call-${++rooms}`;
      const node = new VideoPeer({
        ...{ signalingUrl: url, room, peerId: "node", sender: NODE_SENDER },
        ...(relay !== undefined && { relay }),
      });
      const page = {
        ...{ signalingUrl: url, room, peerId: pageId, sender: PAGE_SENDER },
        ...{ theirSender: NODE_SENDER, theirName: "node", pattern: PATTERN },
      };
      const join = {
        node: () => node.join(),
        page: () => inPage((api, options) => api.join(options), page),
      };
      await join[last === "node" ? "page" : "node"]();
      await join[last]();
      await eventually(
        "video both ways",
        async () => node.links.has(pageId) && (await inPage((api) => api.links.has("node"), null)),
      );

      const showing = inPage((api, count) => api.show("node", count), PICTURES);
      await node.show(pageId, PICTURES);
      await showing;
      await sleep(1_000);

      const seen = await inPage((api) => api.seen, null);
      const ofNode = await node.judgeSeen(pageId, PAGE_SENDER, pageId);
      const numbers = new Set(seen.map(({ frameNumber }) => frameNumber));
      const encoded = node.coded.length;
      console.log(
        `${name}: page saw ${numbers.size} of ${encoded}, Node ${ofNode.shown}, ${relay?.counters.lost ?? 0} lost`,
      );
      expect(seen.filter(({ frameNumber, psnrDb }) => frameNumber === null || (psnrDb ?? 0) < 25)).toEqual(
        [],
      );
      // The first ones may come before anybody looks.
      expect(numbers.size / encoded).toBeGreaterThan(0.8);
      expect(ofNode.unreadable).toBe(0);
      expect(ofNode.leastPsnrDb).toBeGreaterThan(25);
      expect(ofNode.shown).toBeGreaterThan(PICTURES / 3);
      expect([...node.errors, ...(await inPage((api) => api.errors, null))]).toEqual([]);

      await inPage((api) => api.leave(), null);
      await node.transport.shutdown();
      await relay?.close();
      expect(browser.log.filter((line) => line.startsWith("uncaught"))).toEqual([]);
    });
  },
);
