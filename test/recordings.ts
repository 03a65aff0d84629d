// Recordings that tests read by path and the project does not contain: rtp/*.rtp, pcap/*.pcap, rtcp/*.rtcp.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where they are: REMOTEMEDIA_DATA, or a folder beside the project. */
export const RECORDINGS =
  process.env.REMOTEMEDIA_DATA ?? fileURLToPath(new URL("../../shared/data/", import.meta.url));

/** Paths below {@link RECORDINGS} of all files with one of these endings, by name. */
export function recordings(...endings: readonly string[]): string[] {
  if (!existsSync(RECORDINGS)) return [];
  return readdirSync(RECORDINGS, { recursive: true, encoding: "utf8" })
    .filter((name) => endings.some((ending) => name.endsWith(`.${ending}`)))
    .map((name) => join(RECORDINGS, name))
    .sort();
}

/** What to say when there is none. */
export function lacksRecordings(what: string): string {
  return `there is no ${what} below ${RECORDINGS}; set REMOTEMEDIA_DATA to a folder of recordings`;
}
