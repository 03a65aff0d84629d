import { afterEach, expect, it, vi } from "vitest";
import { openBrowserSocket } from "../../../src/platform/browser/socket.ts";
import type { Socket, SocketEvents } from "../../../src/platform/platform.ts";

/** Stands in for the browser's WebSocket: the test plays the server. */
class FakeWebSocket extends EventTarget {
  static readonly OPEN = 1;
  static last: FakeWebSocket;
  readyState = 0;
  readonly sent: string[] = [];
  readonly closes: [number, string][] = [];

  constructor(url: string) {
    super();
    if (url === "nonsense") throw new SyntaxError("nonsense is no URL");
    FakeWebSocket.last = this;
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
  }

  happens(event: Event, readyState: number): void {
    this.readyState = readyState;
    this.dispatchEvent(event);
  }
}

function open(url = "ws://127.0.0.1:1"): { socket: Socket; events: string[]; closed: Promise<string> } {
  const events: string[] = [];
  let close: SocketEvents["close"] = () => undefined;
  const closed = new Promise<string>((resolve) => {
    close = (code, reason) => resolve(`${code} ${reason}`);
  });
  const listener: SocketEvents = {
    open: () => events.push("open"),
    message: (text) => events.push(text),
    close: (code, reason) => close(code, reason),
  };
  return { socket: openBrowserSocket(url, listener), events, closed };
}

afterEach(() => vi.unstubAllGlobals());

it("reports a URL that the browser refuses as a close in a later turn", async () => {
  const { socket, closed } = open("no url at all");
  socket.send("dropped");
  socket.close();
  expect(await closed).toMatch(/^1006 .+/);
});

it("reports a server that is not there with code 1006 and words", async () => {
  expect(await open("ws://127.0.0.1:9").closed).toBe("1006 the WebSocket could not be opened");
});

it("passes text frames, ignores binary ones, and drops what is sent before it is open", () => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
  const { socket, events } = open();
  const server = FakeWebSocket.last;
  socket.send("early");
  server.happens(new Event("open"), FakeWebSocket.OPEN);
  socket.send("hello");
  server.happens(new MessageEvent("message", { data: "text" }), FakeWebSocket.OPEN);
  server.happens(new MessageEvent("message", { data: new ArrayBuffer(1) }), FakeWebSocket.OPEN);
  expect(server.sent).toEqual(["hello"]);
  expect(events).toEqual(["open", "text"]);
});

it("hands the server's words over when it closes", async () => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
  const { closed } = open();
  FakeWebSocket.last.happens(new Event("open"), FakeWebSocket.OPEN);
  FakeWebSocket.last.happens(new CloseEvent("close", { code: 4003, reason: "who are you" }), 3);
  expect(await closed).toBe("4003 who are you");
});

it("closes with codes that scripts may use, and with reasons that fit a frame", () => {
  vi.stubGlobal("WebSocket", FakeWebSocket);
  const { socket } = open();
  socket.close();
  socket.close(4009, "replaced");
  socket.close(1001, "ä".repeat(100));
  expect(FakeWebSocket.last.closes).toEqual([
    [1000, ""],
    [4009, "replaced"],
    [1000, "ä".repeat(61)],
  ]);
});
