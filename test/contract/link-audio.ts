// Audio for links under test: packets where we make them, samples where the browser does.
import type { PacketAudioPort } from "../../src/platform/platform.ts";
import { buildCaptureTime } from "../../src/rtp/capture-time.ts";
import { buildExtensions } from "../../src/rtp/extensions.ts";
import { buildRtp } from "../../src/rtp/packet.ts";
import { until } from "./link-pair.ts";
import type { LinkFixture, RecordedLink } from "./link-pair.ts";

const SAMPLE_RATE = 48_000;

export function packetAudio(link: RecordedLink): PacketAudioPort {
  const audio = link.link.audio;
  if (audio?.level !== "packet") throw new Error("the link has no packet audio");
  return audio;
}

/** RFC 3550 section 5.1, with a one-byte header extension and 40 bytes of payload. */
export function rtpPacket(link: RecordedLink, sequenceNumber: number): Uint8Array {
  const packet = new Uint8Array(12 + 8 + 40).fill(0xa5);
  const view = new DataView(packet.buffer);
  packet[0] = 0x90;
  packet[1] = packetAudioType(link);
  view.setUint16(2, sequenceNumber);
  view.setUint32(4, sequenceNumber * 960);
  view.setUint32(8, 0x1111_1111);
  view.setUint32(12, 0xbede_0001);
  view.setUint32(16, 0x1001_0000);
  return packet;
}

/** A packet of audio that says when it was captured, with a clock offset. */
export function captureTimePacket(link: RecordedLink, id: number): Uint8Array {
  const time = { captureUs: 1_790_000_000_123_457, clockOffsetUs: -1500 };
  return buildRtp({
    ssrc: 0x1111_1111,
    payloadType: packetAudioType(link),
    sequenceNumber: 1,
    timestamp: 960,
    extension: buildExtensions([{ id, data: buildCaptureTime(time) ?? new Uint8Array(0) }]),
    payload: new Uint8Array(40).fill(0x5a),
  });
}

function packetAudioType(link: RecordedLink): number {
  const audio = link.link.audio;
  return audio?.level === "packet" ? audio.payloadType : 111;
}

/** RFC 3550 section 6.4.2, without report blocks. */
export function receiverReport(ssrc: number): Uint8Array {
  const packet = new Uint8Array([0x80, 201, 0, 1, 0, 0, 0, 0]);
  new DataView(packet.buffer).setUint32(4, ssrc);
  return packet;
}

/** The far side may still be finishing its handshake when ours is done; the last packet sent is number 0. */
export async function sendUntilHeard(
  fixture: LinkFixture,
  from: RecordedLink,
  to: RecordedLink,
): Promise<void> {
  let sequenceNumber = 0xff00;
  await until(fixture, "a first packet has come", () => {
    packetAudio(from).sendRtp(rtpPacket(from, sequenceNumber++));
    return to.rtp.length > 0;
  });
  await until(fixture, "the last packet was taken", () => packetAudio(from).sendRtp(rtpPacket(from, 0)));
  await until(fixture, "the last packet has come", () => new DataView(lastRtp(to).buffer).getUint16(2) === 0);
}

function lastRtp(link: RecordedLink): Uint8Array<ArrayBuffer> {
  return new Uint8Array(link.rtp.at(-1) ?? rtpPacket(link, 1));
}

/** Blocks of 10 ms of a 440 Hz tone until the other side has got encoded audio. */
export async function writeUntilHeard(
  fixture: LinkFixture,
  from: RecordedLink,
  to: RecordedLink,
): Promise<void> {
  const audio = from.link.audio;
  if (audio?.level !== "track") throw new Error("the link has no track audio");
  let written = 0;
  let startMs: number | undefined;
  await until(fixture, "encoded audio has come", () => {
    const nowMs = from.states.length > 0 ? fixture.left.clock.now() : 0;
    startMs ??= nowMs;
    while (written * 10 <= nowMs - startMs) {
      const offset = written * 480;
      const tone = Float32Array.from({ length: 480 }, (_, index) =>
        Math.sin((2 * Math.PI * 440 * (offset + index)) / SAMPLE_RATE),
      );
      audio.write(tone, 1, (fixture.left.clock.wallNow() - nowMs + startMs + written * 10) * 1000);
      written++;
    }
    return to.frames.some(({ payload }) => payload.length > 0);
  });
}
