// What session descriptions say of a link's video, read and changed as text (RFC 8866). Pure.
import { NO_VIDEO, readVideoLines } from "../video-description.ts";
import type { DescribedVideo } from "../video-description.ts";

/** How many sections of media `sdp` has that are not rejected. */
export function countMedia(sdp: string): number {
  return sections(sdp).filter((lines) => /^m=(?:audio|video) /.test(lines[0] ?? "") && !isRefused(lines))
    .length;
}

/** Its first section of video; without codecs where there is none, or where it is rejected (port 0) or inactive. */
export function describedVideo(sdp: string): DescribedVideo {
  const video = sections(sdp).find((lines) => lines[0]?.startsWith("m=video "));
  return video === undefined || isRefused(video) ? NO_VIDEO : readVideoLines(video);
}

/**
 * The other side's description, so that our encoder begins at `startKbps` and never goes below `minKbps`, where it can
 * be told (parameters of Chromium's own).
 */
export function startingAt(sdp: string, startKbps: number, minKbps: number): string {
  const steering = `x-google-start-bitrate=${startKbps};x-google-min-bitrate=${minKbps}`;
  return sections(sdp)
    .flatMap((lines) => {
      if (!(lines[0]?.startsWith("m=video ") ?? false)) return lines;
      const numbers = readVideoLines(lines).codecs.map(({ payloadType }) => payloadType);
      return numbers.reduce((changed, payloadType) => withParameters(changed, payloadType, steering), lines);
    })
    .map((line) => `${line}\r\n`)
    .join("");
}

function withParameters(lines: readonly string[], payloadType: number, parameters: string): string[] {
  const prefix = `a=fmtp:${payloadType} `;
  if (lines.some((line) => line.startsWith(prefix))) {
    return lines.map((line) => (line.startsWith(prefix) ? `${line};${parameters}` : line));
  }
  const map = `a=rtpmap:${payloadType} `;
  return lines.flatMap((line) => (line.startsWith(map) ? [line, `${prefix}${parameters}`] : [line]));
}

function isRefused(lines: readonly string[]): boolean {
  const rejected = lines[0]?.split(" ")[1] === "0" && !lines.includes("a=bundle-only");
  return rejected || lines.includes("a=inactive");
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
