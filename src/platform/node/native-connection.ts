// Makes the native connection of a link from the port's options.
import ndc from "node-datachannel";
import type { PeerConnection } from "node-datachannel";
import { TransportError, toTransportError } from "../../errors/errors.ts";
import type { PeerLinkOptions } from "../platform.ts";
import { nativeIceServers } from "./ice-servers.ts";

/**
 * @param report told, in a later turn, of servers that this platform cannot use
 * @throws TransportError `CONNECTION_FAILED`, or `INVALID_CONFIG` for a malformed server URL
 */
export function openConnection(options: PeerLinkOptions, report: (error: unknown) => void): PeerConnection {
  const { servers, unsupported } = nativeIceServers(options.iceServers);
  for (const url of unsupported) {
    const error = new TransportError("NOT_SUPPORTED", `${url}: only STUN and TURN over UDP work here`);
    setImmediate(() => report(error));
  }
  try {
    return new ndc.PeerConnection(options.name, {
      iceServers: servers,
      iceTransportPolicy: options.iceTransportPolicy,
      disableAutoNegotiation: true,
      // Off on purpose: all media are declared before the first description, and a media transport without a
      // track would walk through RTCP, where a malformed SDES packet never lets it out again.
      forceMediaTransport: false,
      ...(options.bindAddress === undefined ? {} : { bindAddress: options.bindAddress }),
    });
  } catch (error) {
    throw toTransportError(error, "CONNECTION_FAILED", `${options.name}: no native connection`);
  }
}
