// The JSON-RPC methods of the server, from checked params to a result or a refusal. No sockets, no frames.
import type { JsonObject, JsonValue } from "../runtime/data.ts";
import {
  PROTOCOL_VERSION,
  announceParams,
  check,
  noParams,
  stateChangedParams,
} from "../signaling/messages.ts";
import type { Checked, MemberFault } from "../signaling/messages.ts";
import { isObject, jsonBytes, utf8Bytes } from "../signaling/rpc.ts";
import { isoTime } from "./iso-time.ts";
import { limitsWire } from "./limits.ts";
import type { SignalingLimits } from "./limits.ts";
import { done, failed, invalidParams } from "./outcome.ts";
import type { Caller, MethodContext, Outcome } from "./outcome.ts";
import { relayCandidate, relayDescription, relayDisconnect } from "./relays.ts";
import type { Registering, Registration } from "./rooms.ts";

type Method = (context: MethodContext, caller: Caller, params: unknown) => Outcome;
type PeerMethod = (context: MethodContext, self: Registration, params: unknown) => Outcome;

/** Run one method for one caller. */
export function callMethod(context: MethodContext, caller: Caller, name: string, params: unknown): Outcome {
  const method = METHODS.get(name);
  if (method !== undefined) return method(context, caller, params);
  const peerMethod = PEER_METHODS.get(name);
  if (peerMethod === undefined) {
    return failed({ kind: "METHOD_NOT_FOUND", message: "there is no such method", data: { method: name } });
  }
  const self = caller.registration;
  if (self === undefined) return failed({ kind: "NOT_ANNOUNCED", message: `announce before ${name}` });
  if (isObject(params) && Object.hasOwn(params, "from") && params.from !== self.peerId) {
    return failed({ kind: "UNAUTHORIZED", message: "from is not the id announced on this socket" });
  }
  const outcome = peerMethod(context, self, params);
  if (name === "peer.leave" && outcome.type === "result") caller.registration = undefined;
  return outcome;
}

/** Register, after whatever the hook had to say. */
export function finishAnnounce(context: MethodContext, caller: Caller, request: Registering): Outcome {
  const { rooms, wallMs } = context;
  const own = caller.registration;
  if (own !== undefined) {
    rooms.update(own, request.capabilities, request.userData);
    return { type: "registered", result: registeredWire(context, own, false), replaced: undefined };
  }
  const registered = rooms.register(request, caller.connection, wallMs);
  if (!registered.ok) return failed(registered.failure);
  const { registration, resumed, replaced } = registered;
  caller.registration = registration;
  return { type: "registered", result: registeredWire(context, registration, resumed), replaced };
}

const METHODS: ReadonlyMap<string, Method> = new Map([
  ["peer.announce", announce],
  ["server.info", info],
  ["server.ping", ping],
]);

const PEER_METHODS: ReadonlyMap<string, PeerMethod> = new Map<string, PeerMethod>([
  ["peer.leave", leave],
  ["peer.list", list],
  ["peer.offer", (context, self, params) => relayDescription(context, self, params, "offer")],
  ["peer.answer", (context, self, params) => relayDescription(context, self, params, "answer")],
  ["peer.ice_candidate", relayCandidate],
  ["peer.disconnect", relayDisconnect],
  ["peer.state_changed", stateChanged],
]);

function announce(context: MethodContext, caller: Caller, params: unknown): Outcome {
  const version =
    isObject(params) && Object.hasOwn(params, "protocol_version") ? params.protocol_version : undefined;
  // Before everything else: what another version asks for need not make sense in this one.
  if (Number.isInteger(version) && version !== PROTOCOL_VERSION) {
    const data = { supported: [PROTOCOL_VERSION] };
    return failed({ kind: "VERSION_UNSUPPORTED", message: "this protocol version is not spoken here", data });
  }
  const checked = withSizes(context.limits, check(announceParams, params), params);
  if (!checked.ok) return invalidParams(checked.faults);
  const { peer_id: peerId, room, capabilities, user_data, auth_token: token, session_key } = checked.value;
  const own = caller.registration;
  if (own !== undefined && (own.peerId !== peerId || own.room !== room)) {
    return failed({
      kind: "ALREADY_ANNOUNCED",
      message: "this socket has announced another id; leave first",
    });
  }
  const userData = (user_data ?? null) as JsonValue;
  const request: Registering = { peerId, room, capabilities, userData, sessionKey: session_key };
  if (!context.authenticates) return finishAnnounce(context, caller, request);
  return { type: "ask", question: { token, peerId, room, origin: caller.origin }, request };
}

/** Add the faults of size, which the server's limits decide, to those of shape. */
function withSizes<T>(limits: SignalingLimits, checked: Checked<T>, params: unknown): Checked<T> {
  if (!isObject(params)) return checked;
  const faults: MemberFault[] = checked.ok ? [] : [...checked.faults];
  if (jsonBytes(params.user_data as JsonValue | undefined) > limits.userDataBytes) {
    faults.push({ path: "user_data", reason: `expected at most ${limits.userDataBytes} bytes of JSON` });
  }
  const token = params.auth_token;
  if (typeof token === "string" && utf8Bytes(token) > limits.authTokenBytes) {
    faults.push({ path: "auth_token", reason: `expected at most ${limits.authTokenBytes} bytes` });
  }
  return faults.length === 0 ? checked : { ok: false, faults };
}

function info({ name, version, limits }: MethodContext, _caller: Caller, params: unknown): Outcome {
  const result = { name, version, protocol_versions: [PROTOCOL_VERSION], limits: limitsWire(limits) };
  return withoutParams(params, () => result);
}

function ping({ wallMs }: MethodContext, _caller: Caller, params: unknown): Outcome {
  return withoutParams(params, () => ({ server_time: isoTime(wallMs) }));
}

function leave({ rooms }: MethodContext, self: Registration, params: unknown): Outcome {
  return withoutParams(params, () => {
    rooms.remove(self, "left");
    return { status: "left" };
  });
}

function list({ rooms }: MethodContext, self: Registration, params: unknown): Outcome {
  return withoutParams(params, () => {
    const peers = rooms.others(self);
    return { peers, count: peers.length };
  });
}

function stateChanged(_context: MethodContext, _self: Registration, params: unknown): Outcome {
  const checked = check(stateChangedParams, params);
  return checked.ok ? done({ status: "noted" }) : invalidParams(checked.faults);
}

function registeredWire(context: MethodContext, registration: Registration, resumed: boolean): JsonObject {
  return {
    status: "registered",
    peer_id: registration.peerId,
    room: registration.room,
    protocol_version: PROTOCOL_VERSION,
    server_time: isoTime(context.wallMs),
    session_key: registration.sessionKey,
    resumed,
    peers: context.rooms.others(registration),
    limits: limitsWire(context.limits),
  };
}

function withoutParams(params: unknown, run: () => JsonObject): Outcome {
  const checked = check(noParams, params);
  return checked.ok ? done(run()) : invalidParams(checked.faults);
}
