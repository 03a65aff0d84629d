// The native track of a link: whole RTP and RTCP packets, both ways, untouched. No native media handler is ever set,
// because handlers swallow RTCP or answer it on their own.
import type { Audio, Direction as NativeDirection, PeerConnection, Track, Video } from "node-datachannel";
import { TransportError } from "../../errors/errors.ts";
import type { Clock } from "../../runtime/time.ts";
import type { PeerLinkEvents } from "../platform.ts";
import { contained, guarded } from "./guard.ts";
import { RtcpDeduplicator } from "./rtcp-deduplicator.ts";
import type { Direction } from "./session-description.ts";

/** Id of the stream in `a=msid` (RFC 8830); the same in every link, as a link has one stream of one track. */
export const STREAM_ID = "remotemedia";

/** The native spelling of directions. */
export const NATIVE_DIRECTION: Readonly<Record<Direction, NativeDirection>> = {
  sendrecv: "SendRecv",
  sendonly: "SendOnly",
  recvonly: "RecvOnly",
  inactive: "Inactive",
};

/** RTCP packet types that RFC 5761 section 4 tells from RTP on one port, as the second byte of a packet. */
const FIRST_RTCP_TYPE = 192;
const LAST_RTCP_TYPE = 223;

/** Whoever a track reports to. */
export interface TrackHost {
  readonly connection: PeerConnection;
  readonly clock: Clock;
  readonly events: PeerLinkEvents;
  report(error: unknown): void;
  /** Once, when the native track may be let go. */
  released(): void;
}

/** Sends on a track once there is one; counts the bytes of RTP and RTCP, which the native side does not. */
export class PacketTrack {
  bytesSent = 0;
  bytesReceived = 0;
  #native: Track | undefined;
  #ended = false;

  /** Declare the track that `media` describes and listen to it. At most once. @param kind for messages */
  attach(media: Audio | Video, kind: "audio" | "video", host: TrackHost): void {
    const { clock, events } = host;
    const report = (error: unknown): void => host.report(error);
    const track = host.connection.addTrack(media);
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
      guarded(report, (error) => report(new TransportError("MEDIA_TRACK_ERROR", `${kind} track: ${error}`))),
    );
    track.onClosed(
      guarded(report, () => {
        // Only an explicit close frees the other callbacks of a native track, which keep the process alive. It comes
        // after this one, never before: closing on both sides at once may lose the callback.
        setImmediate(() => contained(() => track.close()));
        host.released();
      }),
    );
  }

  /** @returns false when the packet cannot leave now */
  send(packet: Uint8Array): boolean {
    if (this.#ended || this.#native === undefined) return false;
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

  /** Send nothing from now on. The native track closes with its connection. */
  end(): void {
    this.#ended = true;
  }
}

function isRtcp(packet: Uint8Array): boolean {
  const type = packet[1] ?? 0;
  return type >= FIRST_RTCP_TYPE && type <= LAST_RTCP_TYPE;
}
