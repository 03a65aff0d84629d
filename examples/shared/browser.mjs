// Opens a module in Chromium, served cross-origin isolated on 127.0.0.1; what it exports is `window.page` there.
import { createServer } from "node:http";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { chromium } from "playwright";

const HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
};
const ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--allow-loopback-in-peer-connection",
  "--autoplay-policy=no-user-gesture-required",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

/** @returns {{ page: import("playwright").Page, close(): Promise<void> }} */
export async function openPage(module) {
  const bundle = await build({
    entryPoints: [fileURLToPath(module)],
    ...{
      bundle: true,
      write: false,
      format: "iife",
      globalName: "page",
      platform: "browser",
      target: "es2022",
    },
    logLevel: "error",
  });
  const script = bundle.outputFiles[0].text;
  const server = createServer(({ url }, response) => {
    const isScript = url === "/page.js";
    const type = isScript ? "text/javascript" : "text/html";
    response.writeHead(200, { "Content-Type": `${type}; charset=utf-8`, ...HEADERS });
    response.end(isScript ? script : '<!doctype html><title>viewer</title><script src="/page.js"></script>');
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM_PATH,
    headless: true,
    args: ARGS,
  });
  // Permission for media makes Chromium offer loopback instead of names that only it can resolve.
  const context = await browser.newContext({ permissions: ["microphone", "camera"] });
  const page = await context.newPage();
  page.on("pageerror", (error) => process.stderr.write(`in the page: ${error.stack ?? error}\n`));
  await page.goto(`http://127.0.0.1:${server.address().port}/`);
  return {
    page,
    async close() {
      await browser.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
