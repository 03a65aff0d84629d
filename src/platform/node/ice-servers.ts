// STUN and TURN URLs (RFC 7064, RFC 7065) in the native side's words. Pure.
import type { IceServer as NativeIceServer } from "node-datachannel";
import { TransportError } from "../../errors/errors.ts";
import type { IceServer } from "../platform.ts";

const DEFAULT_PORT = 3478;

/** Scheme, host (name, IPv4, or IPv6 in brackets), port, transport. */
const URL_PATTERN =
  /^(stun|stuns|turn|turns):(\[[0-9A-Fa-f:.]+\]|[^\s:?[\]]+)(?::(\d{1,5}))?(?:\?transport=(udp|tcp))?$/;

/** What the native side can use, and the URLs it cannot. */
export interface NativeIceServers {
  servers: NativeIceServer[];
  /** Valid URLs of transports that this platform lacks: its ICE agent speaks UDP alone. */
  unsupported: string[];
}

/**
 * Translate every URL of `iceServers`.
 * @throws TransportError `INVALID_CONFIG` for what is no STUN or TURN URL, or TURN without credentials
 */
export function nativeIceServers(iceServers: readonly IceServer[]): NativeIceServers {
  const result: NativeIceServers = { servers: [], unsupported: [] };
  for (const server of iceServers) {
    for (const url of server.urls) {
      const native = nativeIceServer(url, server);
      if (native === undefined) result.unsupported.push(url);
      else result.servers.push(native);
    }
  }
  return result;
}

function nativeIceServer(url: string, server: IceServer): NativeIceServer | undefined {
  const match = URL_PATTERN.exec(url);
  const scheme = match?.[1];
  const host = match?.[2];
  const port = Number(match?.[3] ?? DEFAULT_PORT);
  if (scheme === undefined || host === undefined || port === 0 || port > 0xffff) {
    throw new TransportError("INVALID_CONFIG", `iceServers: "${url}" is not a STUN or TURN URL`);
  }
  if (scheme === "stuns" || scheme === "turns" || match?.[4] === "tcp") return undefined;
  const hostname = host.replace(/^\[|\]$/g, "");
  if (scheme === "stun") return { hostname, port };
  const { username, credential } = server;
  if (!username || !credential) {
    throw new TransportError("INVALID_CONFIG", `iceServers: "${url}" needs a username and a credential`);
  }
  return { hostname, port, username, password: credential, relayType: "TurnUdp" };
}
