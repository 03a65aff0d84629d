// A WebSocket of text frames through `ws`. Never throws: whatever goes wrong becomes the one close event.
import WebSocket from "ws";
import type { Socket, SocketEvents } from "../platform.ts";

/** How long a server may take to accept; longer than any healthy handshake, shorter than an announce deadline. */
const HANDSHAKE_TIMEOUT_MS = 10_000;

/** How long the closing handshake may keep the process alive. */
const CLOSE_TIMEOUT_MS = 1_000;

/** Largest inbound message; the protocol's frames stay below 1 MiB, other dialects get some room. */
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;

/** Close codes of RFC 6455 section 7.4.1. */
const CLOSE_UNSUPPORTED_DATA = 1003;
const CLOSE_ABNORMAL = 1006;

/** Longest close reason in bytes (RFC 6455 section 5.5). */
const MAX_REASON_BYTES = 123;

/** Start opening a WebSocket to `url`; see `Platform.openSocket`. */
export function openNodeSocket(url: string, events: SocketEvents): Socket {
  let socket: WebSocket;
  try {
    socket = new WebSocket(url, {
      handshakeTimeout: HANDSHAKE_TIMEOUT_MS,
      maxPayload: MAX_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    setImmediate(() => events.close(CLOSE_ABNORMAL, reason));
    return { send: () => undefined, close: () => undefined };
  }

  // `ws` reports the network error first and the close, without words, right after it.
  let failure = "";
  let closed = false;
  let closeTimer: ReturnType<typeof setTimeout> | undefined;
  socket.on("open", () => events.open());
  socket.on("message", (data, binary) => {
    if (binary) socket.close(CLOSE_UNSUPPORTED_DATA, "text frames only");
    else events.message(textOf(data));
  });
  socket.on("error", (error) => {
    failure = error.message;
  });
  socket.on("close", (code, reason) => {
    clearTimeout(closeTimer);
    closed = true;
    events.close(code, reason.toString("utf8") || failure);
  });

  return {
    send(text) {
      // The callback takes the error of a write that fails later; the close event tells of it.
      if (socket.readyState === WebSocket.OPEN) socket.send(text, () => undefined);
    },
    close(code, reason) {
      if (closed) return;
      if (code === undefined || !closable(code)) socket.close();
      else socket.close(code, fitReason(reason ?? ""));
      // `ws` itself would wait 30 s for a server that does not answer, and keep the process alive.
      closeTimer ??= setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
    },
  };
}

function textOf(data: WebSocket.RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return Buffer.isBuffer(data) ? data.toString("utf8") : Buffer.from(data).toString("utf8");
}

/** Codes an endpoint may send (RFC 6455 section 7.4): `ws` throws on the others. */
function closable(code: number): boolean {
  if (!Number.isInteger(code)) return false;
  return (
    (code >= 3000 && code <= 4999) || (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code))
  );
}

function fitReason(reason: string): string {
  const bytes = Buffer.from(reason, "utf8");
  if (bytes.length <= MAX_REASON_BYTES) return reason;
  // A character cut in two decodes to U+FFFD, three bytes long: leave room for it.
  return bytes.subarray(0, MAX_REASON_BYTES - 3).toString("utf8");
}
