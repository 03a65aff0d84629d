// The one HTTP server of the demo: the page's files, and the two sockets that share its port. Serves a fixed list
// of files, nothing from disk by name.
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { MEASURE_PATH, RUN_PATH, SIGNALING_PATH } from "./measure-protocol.ts";
import type { PageRun } from "./measure-protocol.ts";

/** Where the build puts the page, beside the command. */
const PAGE_FOLDER = new URL("./demo/", import.meta.url);

const FILES: Readonly<Record<string, { file: string; type: string }>> = {
  "/": { file: "index.html", type: "text/html; charset=utf-8" },
  "/index.html": { file: "index.html", type: "text/html; charset=utf-8" },
  "/page.js": { file: "page.js", type: "text/javascript; charset=utf-8" },
  "/capture.js": { file: "capture.js", type: "text/javascript; charset=utf-8" },
  "/style.css": { file: "style.css", type: "text/css; charset=utf-8" },
};

const HEADERS = {
  // Cross-origin isolation: shared memory and an exact clock in the page.
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
  // Worker and worklet of the library come as blob: scripts, the codec is WebAssembly.
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self' blob: 'wasm-unsafe-eval'; worker-src 'self' blob:; style-src 'self'; " +
    "img-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
};

/** Ports tried after a busy one. */
const MORE_PORTS = 50;
const HIGHEST_PORT = 65_535;

/**
 * Listen on `port`, or on the next free one.
 *
 * @param host address to listen on
 * @param run what pages are told before they join
 * @throws the system's error when no port can be had
 */
export async function listenPage(
  port: number,
  host: string,
  run: PageRun = { video: null },
): Promise<{ server: Server; port: number }> {
  const server = createServer((request, response) => serve(request, response, run));
  server.on("upgrade", (request, socket) => {
    if (request.url === SIGNALING_PATH || request.url === MEASURE_PATH) return;
    socket.on("error", () => undefined); // gone before it was told
    socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n");
  });
  for (let candidate = port; ; candidate++) {
    try {
      return { server, port: await listen(server, candidate, host) };
    } catch (error) {
      const taken = ["EADDRINUSE", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "");
      if (!taken || candidate >= Math.min(port + MORE_PORTS, HIGHEST_PORT)) throw error;
    }
  }
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      const address = server.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

/** Stop listening and end every connection. */
export function closePage(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function serve(request: IncomingMessage, response: ServerResponse, run: PageRun): void {
  const path = (request.url ?? "").split("?")[0] ?? "";
  const entry = Object.hasOwn(FILES, path) ? FILES[path] : undefined;
  if (request.method !== "GET" && request.method !== "HEAD") return end(response, 405, "GET and HEAD only\n");
  if (path === RUN_PATH) return end(response, 200, JSON.stringify(run), "application/json");
  if (entry === undefined) return end(response, 404, "there is nothing here\n");
  try {
    const content = readFileSync(new URL(entry.file, PAGE_FOLDER));
    response.writeHead(200, { ...HEADERS, "Content-Type": entry.type, "Content-Length": content.length });
    response.end(request.method === "HEAD" ? undefined : content);
  } catch {
    // The peers talk without it, so this is no reason to end the demo.
    end(response, 500, "the page has not been built\n");
  }
}

function end(response: ServerResponse, status: number, text: string, type = "text/plain"): void {
  response.writeHead(status, { ...HEADERS, "Content-Type": `${type}; charset=utf-8` });
  response.end(text);
}
