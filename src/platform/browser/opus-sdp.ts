// What session descriptions say about Opus, read and changed as text (RFC 8866, RFC 7587). Pure.

/** What a description may ask of the encoder on the other side (RFC 7587 section 6.1). */
export interface OpusWishes {
  /** 2: stereo is preferred, and what we send is likely to be stereo. */
  channels: 1 | 2;
  fec: boolean;
  dtx: boolean;
}

/**
 * `opus`: the first audio section offers or accepts Opus; `refused`: it is rejected (port 0) or inactive, as
 * Chromium answers for a stopped transceiver; `other`: it knows only other codecs; `none`: there is no section.
 */
export type AudioOffer = "opus" | "refused" | "other" | "none";

/** What the first audio section of `sdp` says. */
export function audioOffer(sdp: string): AudioOffer {
  const section = sections(sdp).find((lines) => isAudio(lines));
  if (section === undefined) return "none";
  if (section[0]?.startsWith("m=audio 0 ") || section.includes("a=inactive")) return "refused";
  return opusPayloadTypes(section).length > 0 ? "opus" : "other";
}

/** Our description as the other side shall read it: its encoder follows the parameters of the receiver. */
export function withWishes(sdp: string, wishes: OpusWishes): string {
  return mapOpusParameters(sdp, (parameters) => {
    setFlag(parameters, "useinbandfec", wishes.fec);
    setFlag(parameters, "usedtx", wishes.dtx);
    setFlag(parameters, "stereo", wishes.channels === 2);
    setFlag(parameters, "sprop-stereo", wishes.channels === 2);
  });
}

/**
 * The other side's description as our encoder shall read it. FEC is written when both sides want it, because a
 * decoder that does not use it gains nothing; DTX when either wants it; stereo when the receiver prefers it.
 */
export function steeringEncoder(sdp: string, own: OpusWishes): string {
  return mapOpusParameters(sdp, (parameters) => {
    if (!own.fec) setFlag(parameters, "useinbandfec", false);
    if (own.dtx) setFlag(parameters, "usedtx", true);
  });
}

/** Every flag of Opus defaults to 0 (RFC 7587 section 6.1), so a false one is left out. */
function setFlag(parameters: Map<string, string>, name: string, value: boolean): void {
  if (value) parameters.set(name, "1");
  else parameters.delete(name);
}

function mapOpusParameters(sdp: string, change: (parameters: Map<string, string>) => void): string {
  return sections(sdp)
    .flatMap((lines) => (isAudio(lines) ? opusPayloadTypes(lines).reduce(changeOne, lines) : lines))
    .map((line) => `${line}\r\n`)
    .join("");

  function changeOne(lines: string[], payloadType: string): string[] {
    const prefix = `a=fmtp:${payloadType} `;
    const at = lines.findIndex((line) => line.startsWith(prefix));
    const parameters = parseParameters(at < 0 ? "" : (lines[at] ?? "").slice(prefix.length));
    change(parameters);
    const text = [...parameters].map(([name, value]) => (value === "" ? name : `${name}=${value}`)).join(";");
    const replacement = text === "" ? [] : [prefix + text];
    if (at >= 0) return [...lines.slice(0, at), ...replacement, ...lines.slice(at + 1)];
    const afterMap = lines.findIndex((line) => line.startsWith(`a=rtpmap:${payloadType} `)) + 1;
    return [...lines.slice(0, afterMap), ...replacement, ...lines.slice(afterMap)];
  }
}

function parseParameters(text: string): Map<string, string> {
  const parameters = new Map<string, string>();
  for (const part of text.split(";")) {
    const [name = "", ...value] = part.trim().split("=");
    if (name !== "") parameters.set(name, value.join("="));
  }
  return parameters;
}

/** The session part and the media sections, each as its lines. */
function sections(sdp: string): string[][] {
  const result: string[][] = [[]];
  for (const line of sdp.split(/\r?\n/)) {
    if (line === "") continue;
    if (line.startsWith("m=")) result.push([]);
    result.at(-1)?.push(line);
  }
  return result;
}

function isAudio(lines: string[]): boolean {
  return lines[0]?.startsWith("m=audio ") ?? false;
}

function opusPayloadTypes(lines: string[]): string[] {
  return lines.flatMap((line) => /^a=rtpmap:(\d+) opus\/48000\/2$/i.exec(line)?.[1] ?? []);
}
