// Drives a real Chromium from a Node test: bundles an entry, serves it cross-origin isolated on 127.0.0.1, opens it,
// and closes everything again. Says what went wrong in the page when a test fails.
import { createServer } from "node:http";
import type { Server } from "node:http";
import { build } from "esbuild";
import { chromium } from "playwright";
import type { Browser, Page } from "playwright";
import { CHROMIUM_ARGS, CHROMIUM_PATH, CHROMIUM_PERMISSIONS, ISOLATION_HEADERS } from "../chromium.ts";

/** What the page runs. */
export interface BrowserPageOptions {
  /**
   * TypeScript for the page, as a module of the folder `resolveDir`. What it exports is `window.page` there, so
   * `evaluate(() => page.connect())` can reach it.
   */
  source: string;
  /** Folder that relative imports of `source` start from. */
  resolveDir: string;
  /** Further response headers, e.g. a Content-Security-Policy. */
  headers?: Record<string, string>;
  /** Further files by path, e.g. `/worker.js`. */
  files?: Record<string, string>;
  /** Further arguments of Chromium. */
  args?: string[];
}

/** A page that runs, and everything under it. */
export interface BrowserPage {
  /** Playwright's page, for `evaluate` and `exposeFunction`. */
  readonly page: Page;
  /** `http://127.0.0.1:<port>/` */
  readonly url: string;
  /** Console lines and uncaught errors of the page so far. */
  readonly log: readonly string[];
  /** Closes page, browser and server; idempotent. */
  close(): Promise<void>;
}

const TITLE = "remotemedia-webrtc test page";

/**
 * Bundle, serve, launch, and wait until the entry has run.
 * @throws when the bundle does not build, the browser does not start, or the entry throws
 */
export async function openBrowserPage(options: BrowserPageOptions): Promise<BrowserPage> {
  const script = await bundle(options);
  const server = await serve(script, options);
  const log: string[] = [];
  let browser: Browser | undefined;
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= closeAll(browser, server));
  try {
    const { port } = server.address() as { port: number };
    const url = `http://127.0.0.1:${port}/`;
    browser = await chromium.launch({
      executablePath: CHROMIUM_PATH,
      headless: true,
      args: [...CHROMIUM_ARGS, ...(options.args ?? [])],
    });
    const context = await browser.newContext({ permissions: CHROMIUM_PERMISSIONS });
    const page = await context.newPage();
    page.on("console", (message) => log.push(`${message.type()}: ${message.text()}`));
    page.on("pageerror", (error) => log.push(`uncaught: ${error.stack ?? error.message}`));
    await page.goto(url);
    await started(page, log);
    return { page, url, log, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The entry has run when the page says so; a module that throws never does. */
async function started(page: Page, log: readonly string[]): Promise<void> {
  // Module scripts run before the load event, so the answer is there at once.
  const running = await page.evaluate(() => (globalThis as { pageStarted?: boolean }).pageStarted === true);
  if (!running) throw new Error(`the page's entry did not run to its end:\n${log.join("\n")}`);
}

async function bundle({ source, resolveDir }: BrowserPageOptions): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents: source, resolveDir, loader: "ts", sourcefile: "page.ts" },
    bundle: true,
    write: false,
    format: "iife",
    globalName: "page",
    platform: "browser",
    target: "es2022",
    sourcemap: "inline",
    logLevel: "warning",
    // A codec asks at run time whether it is in Node; its import of node:module is never reached in a page.
    external: ["node:*"],
    footer: { js: "globalThis.page = page; globalThis.pageStarted = true;" },
  });
  const [script] = outputFiles;
  if (script === undefined) throw new Error("esbuild wrote nothing");
  return script.text;
}

function serve(script: string, { headers = {}, files = {} }: BrowserPageOptions): Promise<Server> {
  const html =
    `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,">` +
    `<title>${TITLE}</title><script src="/page.js"></script>`;
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? "/", "http://127.0.0.1").pathname;
    const isPage = path === "/";
    const body = isPage ? html : path === "/page.js" ? script : files[path];
    const type = isPage ? "text/html; charset=utf-8" : "text/javascript; charset=utf-8";
    response.writeHead(body === undefined ? 404 : 200, {
      ...ISOLATION_HEADERS,
      "Content-Type": type,
      "Cache-Control": "no-store",
      ...headers,
    });
    response.end(body);
  });
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

async function closeAll(browser: Browser | undefined, server: Server): Promise<void> {
  await browser?.close();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
