import { expect, it } from "vitest";
import { frameMessage, sentMessage } from "../../../src/platform/browser/receive-messages.ts";
import type { EncodedFrameMetadata } from "../../../src/platform/browser/web-types.ts";

const METADATA: EncodedFrameMetadata = {
  synchronizationSource: 7,
  payloadType: 111,
  sequenceNumber: 65535,
  rtpTimestamp: 0xffff_fff0,
  receiveTime: 250,
  captureTime: -3,
};
// The worker started 700 ms after the page.
const OPTIONS = { link: 4, side: "receive", pageTimeOrigin: 1_000_000 } as const;
const CLOCK = { nowMs: 251, timeOrigin: 1_000_700 };

const frame = (metadata: EncodedFrameMetadata) => ({
  data: new Uint8Array([1, 2]).buffer,
  getMetadata: () => metadata,
});

it("puts arrival on the page's clock and capture on the sender's wall clock", () => {
  expect(frameMessage(frame(METADATA), OPTIONS, CLOCK)).toEqual({
    type: "frame",
    link: 4,
    ssrc: 7,
    payloadType: 111,
    sequenceNumber: 65535,
    rtpTimestamp: 0xffff_fff0,
    payload: new Uint8Array([1, 2]).buffer,
    arrivalMs: 950,
    captureMs: 1_000_697,
  });
});

it("stamps the arrival itself where the browser does not, and knows no capture time without the extension", () => {
  const {
    receiveTime: _receiveTime,
    captureTime: _captureTime,
    payloadType: _payloadType,
    ...metadata
  } = METADATA;
  expect(frameMessage(frame(metadata), OPTIONS, CLOCK)).toMatchObject({
    arrivalMs: 951,
    captureMs: null,
    payloadType: 0,
  });
});

it("passes a padding-only packet on with an empty payload", () => {
  const padding = { data: new ArrayBuffer(0), getMetadata: () => METADATA };
  expect(frameMessage(padding, OPTIONS, CLOCK)?.payload.byteLength).toBe(0);
});

it.each(["synchronizationSource", "sequenceNumber", "rtpTimestamp"] as const)(
  "gives up on a frame without %s",
  (name) => {
    const metadata = { ...METADATA };
    delete metadata[name];
    expect(frameMessage(frame(metadata), OPTIONS, CLOCK)).toBe(undefined);
  },
);

it("tells when a frame that leaves was captured, on our wall clock", () => {
  const metadata = { synchronizationSource: 7, rtpTimestamp: 5, captureTime: 240 };
  expect(sentMessage(frame(metadata), OPTIONS, CLOCK)).toEqual({
    type: "sent",
    link: 4,
    ssrc: 7,
    rtpTimestamp: 5,
    captureMs: 1_000_940,
  });
});

it("takes the length of a frame off the time at which it was seen where the browser does not say", () => {
  const metadata = { synchronizationSource: 7, rtpTimestamp: 5 };
  expect(sentMessage(frame(metadata), OPTIONS, CLOCK)).toMatchObject({ captureMs: 1_000_700 + 251 - 20 });
});

it.each([{ synchronizationSource: 7 }, { rtpTimestamp: 5 }])(
  "tells nothing of a frame that leaves of which only %o is known",
  (metadata) => {
    expect(sentMessage(frame(metadata), OPTIONS, CLOCK)).toBe(undefined);
  },
);
