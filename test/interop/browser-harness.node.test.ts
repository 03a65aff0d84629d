import { afterEach, expect, it } from "vitest";
import { playoutWorkletSource } from "../../src/platform/browser/generated/playout-worklet.ts";
import { receiveWorkerSource } from "../../src/platform/browser/generated/receive-worker.ts";
import { describeUnless, NO_CHROMIUM } from "../needs.ts";
import { openBrowserPage } from "./browser-harness.ts";
import type { BrowserPage, BrowserPageOptions } from "./browser-harness.ts";

const open: BrowserPage[] = [];

async function openPage(source: string, more: Partial<BrowserPageOptions> = {}): Promise<BrowserPage> {
  const made = await openBrowserPage({ source, resolveDir: import.meta.dirname, ...more });
  open.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((page) => page.close()));
});

describeUnless(NO_CHROMIUM, "a page driven from Node", { timeout: 30_000 }, () => {
  it("runs TypeScript of ours, cross-origin isolated and with media devices", async () => {
    const { page, url } = await openPage(`
      import { createBrowserPlatform } from "../../src/platform/browser/browser-platform.ts";
      export const name: string = createBrowserPlatform().name;
    `);
    const facts = await page.evaluate(async () => ({
      name: (globalThis as unknown as { page: { name: string } }).page.name,
      isolated: crossOriginIsolated,
      tracks: (await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks().length,
    }));
    expect(facts).toEqual({ name: "browser", isolated: true, tracks: 1 });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  });

  it("says what went wrong when the entry throws, and leaves nothing behind", async () => {
    await expect(openPage(`throw new Error("from the entry");`)).rejects.toThrow("from the entry");
  });

  it("loads the worker and the worklet from files where the policy forbids blob: addresses", async () => {
    const files = { "/worker.js": receiveWorkerSource, "/worklet.js": playoutWorkletSource };
    const headers = { "Content-Security-Policy": "script-src 'self' 'unsafe-eval'; worker-src 'self'" };
    const { page, log } = await openPage(
      `
      import { AudioPlayout } from "../../src/platform/browser/playout.ts";
      import { ReceiveHub } from "../../src/platform/browser/receive-hub.ts";
      async function outcome(workerUrl?: string, workletUrl?: string): Promise<string[]> {
        const transceiver = new RTCPeerConnection().addTransceiver("audio");
        const worker = new Promise<string>((resolve) => {
          const nothing = () => undefined;
          const hub = new ReceiveHub(workerUrl);
          hub.open({ frame: nothing, sent: nothing, fault: ({ code }) => resolve(code) }).attach(transceiver);
          setTimeout(() => resolve("loaded"), 500);
        });
        const playout = new AudioPlayout({ workletUrl });
        const worklet = playout.start().then(() => "loaded", ({ code }) => code);
        return Promise.all([worker, worklet]);
      }
      export { outcome };
      `,
      { headers, files },
    );
    const outcomes = await page.evaluate(async () => {
      const { outcome } = (
        globalThis as unknown as { page: { outcome(...urls: string[]): Promise<string[]> } }
      ).page;
      return [await outcome(), await outcome("/worker.js", "/worklet.js")];
    });
    expect(outcomes, log.join("\n")).toEqual([
      ["NOT_SUPPORTED", "NOT_SUPPORTED"],
      ["loaded", "loaded"],
    ]);
  });

  it("closes twice without complaint", async () => {
    const page = await openPage("");
    await page.close();
    await page.close();
    await expect(fetch(page.url)).rejects.toThrow();
  });
});
