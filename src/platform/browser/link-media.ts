// What a browser link asks of its medium, audio or video: transceivers, transforms, and what descriptions say of it. Types
// only.

/** The one medium of a link. */
export interface LinkMedia {
  /** Settles when encoded transforms may be attached. */
  readonly settled: Promise<void>;
  /** Add the transceiver that is to be offered. */
  offer(native: RTCPeerConnection): void;
  /**
   * Take a transceiver that was offered, unless there is one already or it is of another kind; in time for the transport
   * not to have delivered anything.
   */
  adopt(transceiver: RTCRtpTransceiver): void;
  /** Whether a transceiver is the one in use. */
  uses(transceiver: RTCRtpTransceiver): boolean;
  /**
   * Look at a description of the other side before the browser does.
   * @throws TransportError `CODEC_MISMATCH`, `SDP_ERROR`
   */
  check(sdp: string, type: "offer" | "answer"): void;
  /** Our description as the other side shall read it. */
  asOurs(sdp: string, type: "offer" | "answer"): string;
  /** The other side's description as our browser shall read it. */
  asTheirs(sdp: string): string;
  /** Give the sender its limits; to be called again once its encodings are negotiated. */
  applyLimits(): Promise<void>;
  /** Idempotent; after the connection has closed. */
  close(): void;
}
