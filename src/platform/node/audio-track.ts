// The one audio track of a link: how it is declared, and when it may send.
import ndc from "node-datachannel";
import { TransportError } from "../../errors/errors.ts";
import { captureTimeLine } from "../capture-time-extension.ts";
import type { AudioLinkOptions, PacketAudioPort } from "../platform.ts";
import type { AgreedAudio } from "./negotiated-media.ts";
import { NATIVE_DIRECTION, PacketTrack, STREAM_ID } from "./packet-track.ts";
import type { TrackHost } from "./packet-track.ts";

/** Id of the track in `a=msid` (RFC 8830). */
const TRACK_ID = "audio";

/** A {@link PacketAudioPort} over a native track. */
export class AudioTrack implements PacketAudioPort {
  readonly level = "packet";
  payloadType = 0;
  captureTimeId = 0;
  readonly packets = new PacketTrack();
  readonly #options: AudioLinkOptions;

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

  /** Declare the track. At most once. */
  attach(agreed: AgreedAudio, host: TrackHost): void {
    const media = new ndc.Audio(agreed.mid, NATIVE_DIRECTION[agreed.direction]);
    media.addOpusCodec(agreed.payloadType, formatParameters(this.#options));
    // A malformed line would abort the process: this one is made of a checked number alone.
    if (agreed.captureTimeId > 0) media.parseSdpLine(captureTimeLine(agreed.captureTimeId));
    media.addSSRC(this.#options.ssrc, this.#options.cname, STREAM_ID, TRACK_ID);
    this.packets.attach(media, "audio", host);
  }

  /** What both sides have agreed on; until then nothing is sent. */
  agree({ payloadType, captureTimeId }: AgreedAudio): void {
    this.payloadType = payloadType;
    this.captureTimeId = captureTimeId;
  }

  sendRtp(packet: Uint8Array): boolean {
    return this.payloadType !== 0 && this.packets.send(packet);
  }

  sendRtcp(packet: Uint8Array): boolean {
    return this.payloadType !== 0 && this.packets.send(packet);
  }
}

/** What we like to receive (RFC 7587 section 6.1). */
function formatParameters(options: AudioLinkOptions): string {
  const parameters = ["minptime=10", `useinbandfec=${options.fec ? 1 : 0}`];
  if (options.channels === 2) parameters.push("stereo=1");
  if (options.dtx) parameters.push("usedtx=1");
  return parameters.join(";");
}
