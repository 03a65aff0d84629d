// Pairs of links with video for contract tests: opened with one set of options, closed after each test.
import { afterEach, beforeEach } from "vitest";
import { TransportError } from "../../src/errors/errors.ts";
import type { PeerLinkOptions } from "../../src/platform/platform.ts";
import type { VideoCodecName } from "../../src/platform/video-codecs.ts";
import type { VideoAgreement, VideoLinkOptions } from "../../src/platform/video-link.ts";
import { RecordedLink, until } from "./link-pair.ts";
import type { LinkFixture } from "./link-pair.ts";

export const ALL_CODECS: VideoCodecName[] = ["VP9", "H264", "VP8"];
export const SSRC = { left: 0x1111_1111, right: 0x2222_2222 };
export const RTX_SSRC = { left: 0x1111_2222, right: 0x2222_3333 };

export type Side = "left" | "right";

/** What tests open links with. */
export interface VideoLinks {
  /** Of the test that runs. */
  readonly fixture: LinkFixture;
  open(side: Side, video?: Partial<VideoLinkOptions>, rest?: Partial<PeerLinkOptions>): RecordedLink;
  /** @param right as `left` unless given */
  pair(left?: Partial<VideoLinkOptions>, right?: Partial<VideoLinkOptions>): [RecordedLink, RecordedLink];
}

/** To be called where tests are declared. @param makeFixture called before each of them */
export function useVideoLinks(
  makeFixture: () => LinkFixture | Promise<LinkFixture>,
  bindAddress?: string,
): VideoLinks {
  let fixture: LinkFixture;
  const opened: RecordedLink[] = [];
  beforeEach(async () => {
    fixture = await makeFixture();
  });
  afterEach(async () => {
    let closed = false;
    void Promise.all(opened.splice(0).map(({ link }) => link.close())).then(() => (closed = true));
    await until(fixture, "all links are closed", () => closed);
    await fixture.dispose?.();
  });
  const open: VideoLinks["open"] = (side, video = {}, rest = {}) => {
    const link = new RecordedLink(fixture[side], {
      name: side,
      iceServers: [],
      iceTransportPolicy: "all",
      ...(bindAddress === undefined ? {} : { bindAddress }),
      video: { ...videoOptions(side), ...video },
      channels: [],
      ...rest,
    });
    opened.push(link);
    return link;
  };
  return {
    get fixture() {
      return fixture;
    },
    open,
    pair: (left = {}, right = left) => [open("left", left), open("right", right)],
  };
}

function videoOptions(side: Side): VideoLinkOptions {
  return {
    ...{ ssrc: SSRC[side], rtxSsrc: RTX_SSRC[side], cname: side, codecs: ALL_CODECS },
    ...{ bitrateKbps: 500, minBitrateKbps: 100, framerateFps: 30 },
  };
}

/** @throws before the answer */
export function agreementOf({ link }: RecordedLink): VideoAgreement {
  const agreement = link.video?.agreement;
  if (agreement === undefined) throw new Error("nothing is agreed on");
  return agreement;
}

/** The code a promise rejects with, or how it misbehaves. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    return error instanceof TransportError ? error.code : `not a TransportError: ${String(error)}`;
  }
  return "resolved";
}

/** The code a call throws, likewise. */
export function codeOf(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    return error instanceof TransportError ? error.code : `not a TransportError: ${String(error)}`;
  }
  return "returned";
}
