// ICE candidates and descriptions as far as a relay rewrites them. Pure; what is not understood is not passed on.

/** All sockets of a relay, and of the peers it serves, are bound here. */
export const LOOPBACK = "127.0.0.1";

/** Foundation, component, UDP, priority | address | port | host and extensions (RFC 8839 section 5.1). */
const HOST_CANDIDATE = /^((?:a=)?candidate:\S+ \d+ udp \d+ )127\.0\.0\.1 (\d{1,5})( typ host\b.*)$/i;

/**
 * In a description: what its sender sends is impaired by a relay of its own. Others ignore it, as they must ignore all
 * attributes they do not know (RFC 8866 section 5.13).
 */
const MARK = "a=x-impaired-by-sender";

/** A candidate and where in its description it stood. */
export interface PlacedCandidate {
  candidate: string;
  sdpMid: string | null;
  sdpMLineIndex: number;
}

/** A description without its candidates. */
export interface StrippedDescription {
  sdp: string;
  candidates: PlacedCandidate[];
  /** Whether {@link markDescription} had been at it. */
  marked: boolean;
}

/** The port of a UDP host candidate on 127.0.0.1; undefined for every other candidate. */
export function loopbackPort(candidate: string): number | undefined {
  const port = Number(HOST_CANDIDATE.exec(candidate)?.[2]);
  return port > 0 && port <= 0xffff ? port : undefined;
}

/** The same candidate at another port of 127.0.0.1. */
export function withPort(candidate: string, port: number): string {
  return candidate.replace(HOST_CANDIDATE, `$1${LOOPBACK} ${port}$3`);
}

/** Take candidates, their end, and the mark out of a description. */
export function stripDescription(sdp: string): StrippedDescription {
  const candidates: PlacedCandidate[] = [];
  const mids = new Map<number, string>();
  let index = -1;
  let marked = false;
  const kept = sdp.split(/\r?\n/).filter((line) => {
    if (line.startsWith("m=")) index++;
    else if (line.startsWith("a=mid:")) mids.set(index, line.slice("a=mid:".length));
    else if (line === MARK) marked = true;
    else if (line.startsWith("a=candidate:")) {
      candidates.push({
        candidate: line.slice("a=".length),
        sdpMid: null,
        sdpMLineIndex: Math.max(index, 0),
      });
    } else return line !== "a=end-of-candidates";
    return line !== MARK && !line.startsWith("a=candidate:");
  });
  for (const candidate of candidates) candidate.sdpMid = mids.get(candidate.sdpMLineIndex) ?? null;
  return { sdp: kept.join("\r\n"), candidates, marked };
}

/** Say in a description that a relay impairs what its sender sends. */
export function markDescription(sdp: string): string {
  const media = sdp.indexOf("m=");
  return media < 0 ? `${sdp}${MARK}\r\n` : `${sdp.slice(0, media)}${MARK}\r\n${sdp.slice(media)}`;
}
