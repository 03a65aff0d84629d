// What the payload formats of video have in common: one coded frame goes into payloads, and payloads say what they are
// part of. Types only; one file per codec in packetizers/ and depacketizers/, found by name in video-formats.ts.
//
// A frame is what a decoder is given at once. With spatial layers these are all layers of one picture.

/** A coded frame to be cut into payloads. */
export interface CodedFrame {
  readonly data: Uint8Array;
  readonly isKeyframe: boolean;
  /** Pixels, 1 to 65535. */
  readonly width: number;
  readonly height: number;
}

/** Cuts the frames of one stream into payloads; it counts their picture ids. */
export interface VideoPacketizer {
  /**
   * @param maxBytes longest payload, 100 or more
   * @returns at least one, the last to be sent with the marker bit; none of a frame without a byte, or without a NAL unit
   *   that can be sent. They are copies, which may share one buffer
   */
  packetize(frame: CodedFrame, maxBytes: number): Uint8Array[];
}

/** What one payload holds. */
export interface VideoPayload {
  /** Bytes of the coded frame, to be put one after the other; views into the payload where nothing need be added. */
  readonly pieces: readonly Uint8Array[];
  /** Its first byte is in this payload. Where a format does not say, undefined: then it is if this follows a marker. */
  readonly isFrameStart: boolean | undefined;
  /** Its last byte is in this payload. */
  readonly isFrameEnd: boolean;
  /**
   * Decodable without any other. The payload that begins the frame tells, in H.264 any of them: it is enough that one says
   * so. False in the others.
   */
  readonly isKeyframe: boolean;
  /** Pixels of the frame, above 0; both or none. Only payloads of keyframes tell. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  /** 7 or 15 bits, counting frames; both or none: undefined where it is not sent. */
  readonly pictureId?: number | undefined;
  readonly pictureIdBits?: 7 | 15 | undefined;
  /**
   * How many frames back, 1 to 127, those lie that this one is predicted from (RFC 9628 P_DIFF); none where it is predicted
   * from no other. Undefined where a format does not say: the one before, unless this is a keyframe.
   */
  readonly references?: readonly number[] | undefined;
  /** 0 to 7, 0 where there are no layers. */
  readonly temporalLayer: number;
  readonly spatialLayer: number;
}

/**
 * Why a payload makes no sense: it ends before its headers do, it says what the RFC rules out or what was not negotiated,
 * or there is no byte of a frame in it.
 */
export type VideoPayloadRefusal = "truncated" | "reserved" | "empty";

/** Reads one payload, in time linear to its length. It holds views into `payload`; never throws. */
export type Depacketize = (payload: Uint8Array, marker: boolean) => VideoPayload | VideoPayloadRefusal;
