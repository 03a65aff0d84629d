// What the payload formats of video have in common: one coded frame goes into payloads, and payloads say what they are
// part of. Types only; one file per codec in packetizers/ and depacketizers/.

/** A coded frame to be cut into payloads. */
export interface CodedFrame {
  readonly data: Uint8Array;
  readonly isKeyframe: boolean;
  readonly width: number;
  readonly height: number;
}

/** Cuts the frames of one stream into payloads; it counts their picture ids. */
export interface VideoPacketizer {
  /**
   * @param maxBytes longest payload, 100 or more
   * @returns at least one; the last of a frame is sent with the marker bit
   */
  packetize(frame: CodedFrame, maxBytes: number): Uint8Array[];
}

/** What one payload holds. */
export interface VideoPayload {
  /** Bytes of the coded frame, to be put one after the other; views into the payload where nothing need be added. */
  readonly pieces: readonly Uint8Array[];
  /** Its first byte is in this payload. Where a format does not say, undefined: it follows a marker. */
  readonly isFrameStart: boolean | undefined;
  /** Its last byte is in this payload. */
  readonly isFrameEnd: boolean;
  /** Decodable without any other; told by the payload that begins the frame, false in the others. */
  readonly isKeyframe: boolean;
  /** Where the payload tells: of the frame. */
  readonly width?: number;
  readonly height?: number;
  /** 7 or 15 bits, counting frames; undefined where it is not sent. */
  readonly pictureId?: number;
  readonly pictureIdBits?: 7 | 15;
  /** How many frames back those lie that this one is predicted from (RFC 9628 P_DIFF); undefined: the one before. */
  readonly references?: readonly number[];
  /** 0 where there are no layers. */
  readonly temporalLayer: number;
  readonly spatialLayer: number;
}

/** Why a payload makes no sense. */
export type VideoPayloadRefusal = "truncated" | "reserved" | "empty";

/** Reads one payload. It holds views into `payload`; never throws. */
export type Depacketize = (payload: Uint8Array, marker: boolean) => VideoPayload | VideoPayloadRefusal;
