// Checks of what a program hands to the client, before anything is sent. Throws for misuse and does nothing else.
import { TransportError } from "../errors/errors.ts";
import { isId } from "../runtime/ids.ts";
import { MAX_AUTH_TOKEN_BYTES, MAX_SDP_BYTES, MAX_USER_DATA_BYTES } from "./messages.ts";
import type { CandidatePlace, Identity } from "./protocol.ts";
import { jsonBytes, utf8Bytes } from "./rpc.ts";
import type { Exchange } from "../platform/signaling-channel.ts";

const CAPABILITIES: ReadonlySet<unknown> = new Set(["audio", "video", "data"]);

/** @throws TransportError `INVALID_DATA` naming the field */
export function checkIdentity({ peerId, room, capabilities, userData }: Identity): void {
  checkId("peerId", peerId);
  checkId("room", room);
  const known = capabilities.every((capability) => CAPABILITIES.has(capability));
  if (!known || capabilities.length === 0 || new Set(capabilities).size < capabilities.length) {
    throw invalid("capabilities", "a non-empty subset of audio, video, data");
  }
  if (userData !== undefined && jsonBytes(userData) > MAX_USER_DATA_BYTES) {
    throw invalid("userData", `at most ${MAX_USER_DATA_BYTES} bytes of JSON`);
  }
}

/** @throws TransportError `INVALID_DATA`; the message does not hold the token */
export function checkToken(token: unknown): asserts token is string {
  if (typeof token !== "string" || utf8Bytes(token) > MAX_AUTH_TOKEN_BYTES) {
    throw invalid("authToken", `a string of at most ${MAX_AUTH_TOKEN_BYTES} bytes`);
  }
}

/** @throws TransportError `INVALID_DATA` naming the field */
export function checkDescription(to: string, sdp: string, exchange: Exchange): void {
  checkId("to", to);
  checkExchange(exchange);
  if (typeof sdp !== "string" || sdp === "" || utf8Bytes(sdp) > MAX_SDP_BYTES) {
    throw invalid("sdp", `a session description of at most ${MAX_SDP_BYTES} bytes`);
  }
}

/** @throws TransportError `INVALID_DATA` naming the field */
export function checkCandidate(to: string, place: CandidatePlace, exchange: Exchange): void {
  checkId("to", to);
  checkExchange(exchange);
  const { candidate, sdpMid, sdpMLineIndex } = place;
  if (typeof candidate !== "string") throw invalid("candidate", "a string");
  if (candidate !== "" && sdpMid === null && sdpMLineIndex === null) {
    throw invalid("sdpMid", "sdpMid or sdpMLineIndex with every candidate");
  }
}

/** @throws TransportError `INVALID_DATA` naming the field */
export function checkId(name: string, value: unknown): void {
  if (!isId(value)) throw invalid(name, "1 to 64 letters, digits, '_' or '-'");
}

function checkExchange({ requestId, connectionId, link }: Exchange): void {
  checkId("requestId", requestId);
  checkId("connectionId", connectionId);
  checkId("link", link);
}

function invalid(name: string, expected: string): TransportError {
  return new TransportError("INVALID_DATA", `${name}: expected ${expected}`);
}
