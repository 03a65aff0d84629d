// Remote ICE candidates, checked before the native side sees them. Pure.
import { TransportError } from "../../errors/errors.ts";
import type { IceCandidate } from "../platform.ts";

/** Longest candidate accepted, in characters; the signaling protocol allows as much. */
const MAX_CANDIDATE_LENGTH = 1024;

/** Foundation, component, transport, priority, address, port, type, extensions (RFC 8839 section 5.1). */
const CANDIDATE_PATTERN =
  /^candidate:([A-Za-z0-9+/]{1,32}) (\d{1,3}) ([A-Za-z-]{1,16}) (\d{1,10}) (\S{1,253}) (\d{1,5}) typ (host|srflx|prflx|relay)((?: [\x21-\x7e]+)*)$/i;

const IPV4_PATTERN = /^\d{1,3}(\.\d{1,3}){3}$/;
const IPV6_PATTERN = /^[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*$/;

/** Names browsers use to hide local addresses; any other name would make us ask DNS on a stranger's behalf. */
const MDNS_PATTERN = /^[0-9A-Za-z-]{1,63}\.local$/;

/**
 * The candidate line as the native side takes it, without `a=`; undefined where there is nothing to do: at the
 * end of candidates, for TCP, and for an RTCP component of its own.
 *
 * @param usernameFragment of the remote description; a candidate of another ICE generation is refused
 * @throws TransportError `ICE_CANDIDATE_ERROR` for anything else
 */
export function checkedCandidate(candidate: IceCandidate, usernameFragment: string): string | undefined {
  const line = candidate.candidate.replace(/^a=/, "").trim();
  if (line === "") return undefined;
  if (line.length > MAX_CANDIDATE_LENGTH) throw refusal("it is longer than 1024 characters");
  const match = CANDIDATE_PATTERN.exec(line);
  if (match === null) throw refusal("it does not follow RFC 8839 section 5.1");
  const [, , component, transport, priority, address = "", port, , extensions = ""] = match;
  if (Number(priority) > 0xffff_ffff) throw refusal("its priority exceeds 32 bits");
  if (Number(port) > 0xffff) throw refusal("its port exceeds 65535");
  if (!isAddress(address)) throw refusal("its address is neither an IP address nor an mDNS name");
  const fragment = candidate.usernameFragment ?? / ufrag (\S+)/.exec(extensions)?.[1];
  if (fragment && fragment !== usernameFragment) throw refusal("it belongs to another ICE generation");
  return component === "1" && transport?.toLowerCase() === "udp" ? line : undefined;
}

function isAddress(address: string): boolean {
  if (IPV4_PATTERN.test(address)) return address.split(".").every((part) => Number(part) <= 255);
  return IPV6_PATTERN.test(address) || MDNS_PATTERN.test(address);
}

function refusal(reason: string): TransportError {
  return new TransportError("ICE_CANDIDATE_ERROR", `candidate refused: ${reason}`);
}
