// A WebSocket behind the port's Socket: text frames only, and no error is ever thrown at the caller.
import { describeError } from "../../errors/errors.ts";
import type { Socket, SocketEvents } from "../platform.ts";

/** Close code for a connection that never opened or broke off (RFC 6455 section 7.1.5). */
const ABNORMAL_CLOSURE = 1006;
const NORMAL_CLOSURE = 1000;
/** Scripts may close with 1000 or 3000-4999 only (WHATWG WebSockets, close()). */
const FIRST_SCRIPT_CODE = 3000;
const LAST_SCRIPT_CODE = 4999;
/** A close frame has 125 bytes, two of them the code (RFC 6455 section 5.5). */
const MAX_REASON_BYTES = 123;

/** Open a WebSocket; a refused URL is reported as `close(1006, ...)` in a later turn, like any network error. */
export function openBrowserSocket(url: string, events: SocketEvents): Socket {
  let native: WebSocket;
  try {
    native = new WebSocket(url);
  } catch (error) {
    setTimeout(() => events.close(ABNORMAL_CLOSURE, describeError(error)), 0);
    return { send: () => undefined, close: () => undefined };
  }
  let opened = false;
  native.addEventListener("open", () => {
    opened = true;
    events.open();
  });
  native.addEventListener("message", (event: MessageEvent<unknown>) => {
    // Signaling is JSON text (RFC 6455 opcode 1); a binary frame holds nothing that could be understood.
    if (typeof event.data === "string") events.message(event.data);
  });
  // The error event says nothing, by design; a close event always follows it.
  native.addEventListener("close", ({ code, reason }) => {
    const words = reason === "" && !opened ? "the WebSocket could not be opened" : reason;
    events.close(code, words);
  });
  return {
    send(text) {
      if (native.readyState === WebSocket.OPEN) native.send(text);
    },
    close(code = NORMAL_CLOSURE, reason = "") {
      native.close(scriptCode(code), fitReason(reason));
    },
  };
}

/** The code itself where scripts may use it, else a normal closure. */
function scriptCode(code: number): number {
  return code >= FIRST_SCRIPT_CODE && code <= LAST_SCRIPT_CODE ? code : NORMAL_CLOSURE;
}

/** The longest beginning of `reason` whose UTF-8 form fits a close frame. */
function fitReason(reason: string): string {
  const encoder = new TextEncoder();
  const { read } = encoder.encodeInto(reason, new Uint8Array(MAX_REASON_BYTES));
  return reason.slice(0, read);
}
