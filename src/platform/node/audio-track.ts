// The one audio track of a link: whole RTP and RTCP packets, both ways, untouched. No native media handler is ever
// set, because handlers swallow RTCP or answer it on their own.
import ndc from "node-datachannel";
import type { Direction as NativeDirection, PeerConnection, Track } from "node-datachannel";
import { TransportError } from "../../errors/errors.ts";
import type { Clock } from "../../runtime/time.ts";
import { captureTimeLine } from "../capture-time-extension.ts";
import type { AudioLinkOptions, PacketAudioPort, PeerLinkEvents } from "../platform.ts";
import { contained, guarded } from "./guard.ts";
import type { AgreedAudio } from "./negotiated-media.ts";
import { RtcpDeduplicator } from "./rtcp-deduplicator.ts";
import type { Direction } from "./session-description.ts";

/** Ids of `a=msid` (RFC 8830); the same in every link, as a link has one stream of one track. */
const STREAM_ID = "remotemedia";
const TRACK_ID = "audio";

/** RTCP packet types that RFC 5761 section 4 tells from RTP on one port, as the second byte of a packet. */
const FIRST_RTCP_TYPE = 192;
const LAST_RTCP_TYPE = 223;

const NATIVE_DIRECTION: Record<Direction, NativeDirection> = {
  sendrecv: "SendRecv",
  sendonly: "SendOnly",
  recvonly: "RecvOnly",
  inactive: "Inactive",
};

/** Sends on a track once there is one; counts the bytes of RTP and RTCP, which the native side does not. */
export class AudioTrack implements PacketAudioPort {
  readonly level = "packet";
  payloadType = 0;
  captureTimeId = 0;
  bytesSent = 0;
  bytesReceived = 0;
  readonly #options: AudioLinkOptions;
  #native: Track | undefined;
  #ended = false;

  /** @throws TransportError `INVALID_DATA` when a value cannot stand in a session description */
  constructor(options: AudioLinkOptions) {
    if (!Number.isInteger(options.ssrc) || options.ssrc < 1 || options.ssrc > 0xffff_ffff) {
      throw new TransportError("INVALID_DATA", "audio.ssrc must be an integer from 1 to 2^32 - 1");
    }
    if (!/^[\x21-\x7e]{1,255}$/.test(options.cname)) {
      throw new TransportError(
        "INVALID_DATA",
        "audio.cname must be 1 to 255 printable characters without blanks",
      );
    }
    this.#options = options;
  }

  /**
   * Declare the track on `connection` and listen to it. At most once.
   *
   * @param onClosed called once, when the native track may be let go
   */
  attach(
    connection: PeerConnection,
    agreed: AgreedAudio,
    clock: Clock,
    events: PeerLinkEvents,
    report: (error: unknown) => void,
    onClosed: () => void,
  ): void {
    const media = new ndc.Audio(agreed.mid, NATIVE_DIRECTION[agreed.direction]);
    media.addOpusCodec(agreed.payloadType, formatParameters(this.#options));
    // A malformed line would abort the process: this one is made of a checked number alone.
    if (agreed.captureTimeId > 0) media.parseSdpLine(captureTimeLine(agreed.captureTimeId));
    media.addSSRC(this.#options.ssrc, this.#options.cname, STREAM_ID, TRACK_ID);
    const track = connection.addTrack(media);
    this.#native = track;
    const deduplicator = new RtcpDeduplicator();
    track.onMessage(
      guarded(report, (message) => {
        const arrivalMs = clock.now();
        this.bytesReceived += message.byteLength;
        const packet = new Uint8Array(message.buffer, message.byteOffset, message.byteLength);
        if (!isRtcp(packet)) events.rtp(packet, arrivalMs);
        else if (!deduplicator.isDuplicate(packet, arrivalMs)) events.rtcp(packet, arrivalMs);
      }),
    );
    track.onError(
      guarded(report, (error) => report(new TransportError("MEDIA_TRACK_ERROR", `audio track: ${error}`))),
    );
    track.onClosed(
      guarded(report, () => {
        // Only an explicit close frees the other callbacks of a native track, which keep the process alive. It comes
        // after this one, never before: closing on both sides at once may lose the callback.
        setImmediate(() => contained(() => track.close()));
        onClosed();
      }),
    );
  }

  /** What both sides have agreed on; until then nothing is sent. */
  agree({ payloadType, captureTimeId }: AgreedAudio): void {
    this.payloadType = payloadType;
    this.captureTimeId = captureTimeId;
  }

  sendRtp(packet: Uint8Array): boolean {
    return this.#send(packet);
  }

  sendRtcp(packet: Uint8Array): boolean {
    return this.#send(packet);
  }

  /** Send nothing from now on. The native track closes with its connection. */
  end(): void {
    this.#ended = true;
  }

  #send(packet: Uint8Array): boolean {
    if (this.#ended || this.#native === undefined || this.payloadType === 0) return false;
    try {
      const bytes = Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
      if (!this.#native.sendMessageBinary(bytes)) return false;
    } catch {
      // Not open yet, closed, or no packet at all: the port says false to all three.
      return false;
    }
    this.bytesSent += packet.byteLength;
    return true;
  }
}

/** What we like to receive (RFC 7587 section 6.1). */
function formatParameters(options: AudioLinkOptions): string {
  const parameters = ["minptime=10", `useinbandfec=${options.fec ? 1 : 0}`];
  if (options.channels === 2) parameters.push("stereo=1");
  if (options.dtx) parameters.push("usedtx=1");
  return parameters.join(";");
}

function isRtcp(packet: Uint8Array): boolean {
  const type = packet[1] ?? 0;
  return type >= FIRST_RTCP_TYPE && type <= LAST_RTCP_TYPE;
}
