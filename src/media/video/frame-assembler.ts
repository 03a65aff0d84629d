// From packets to coded frames: finds runs of packets without a gap that begin and end a frame, and puts their pieces
// one after the other. Does not wait, and does not judge whether a frame can be decoded.
import { NO_FRAME } from "./packet-buffer.ts";
import type { PacketBuffer, VideoPacket } from "./packet-buffer.ts";

/** A frame all of whose packets are in the buffer. */
export interface CompleteFrame {
  /** Numbers of its first and last packet. */
  readonly first: number;
  readonly last: number;
  readonly isKeyframe: boolean;
}

/** A frame out of the buffer. */
export interface AssembledFrame {
  /** A copy, the property of whoever gets it. */
  readonly data: Uint8Array;
  readonly packets: number;
  /** Local ms of the packet that came first and of the one that completed it. */
  readonly firstArrivalMs: number;
  readonly arrivalMs: number;
  /** Unix us, of whichever packet carried it. */
  readonly captureUs: number | undefined;
  /** Pixels, where one of its packets tells. */
  readonly width: number | undefined;
  readonly height: number | undefined;
}

/** Watches the packets of one buffer; see {@link PacketBuffer}. */
export class FrameAssembler {
  readonly #buffer: PacketBuffer;
  /** In ascending order. */
  readonly #complete: CompleteFrame[] = [];
  /** How many of them are keyframes. */
  #keyframes = 0;
  #completed = 0;
  /** A frame begins at this number, for the one before has ended and is gone. */
  #cleanNumber = -1;

  constructor(buffer: PacketBuffer) {
    this.#buffer = buffer;
  }

  /** Frames found so far. */
  get completed(): number {
    return this.#completed;
  }

  /** Frames that wait. */
  get waiting(): number {
    return this.#complete.length;
  }

  /** The frame that begins with the packet of this number, if it is complete. */
  frameAt(number: number): CompleteFrame | undefined {
    // Asked for the frame whose turn it is: none lies before that one.
    const [frame] = this.#complete;
    return frame?.first === number ? frame : undefined;
  }

  /** The first complete frame that needs no other. */
  get keyframe(): CompleteFrame | undefined {
    if (this.#keyframes === 0) return undefined;
    return this.#complete.find(({ isKeyframe }) => isKeyframe);
  }

  /** Whether one of the complete frames is such. @param test gets its first packet too */
  some(test: (frame: CompleteFrame, start: VideoPacket) => boolean): boolean {
    return this.#complete.some((frame) => {
      const start = this.#buffer.get(frame.first);
      return start !== undefined && test(frame, start);
    });
  }

  /** The packet with this number has come. */
  add(number: number): void {
    let next = this.#buffer.get(number);
    while (next !== undefined && this.#link(next)) next = this.#buffer.get(next.number + 1);
  }

  /** Believe that a frame begins with this packet, though nothing says so. */
  trust(number: number): void {
    this.#cleanNumber = number;
    this.add(number);
  }

  /** Take the pieces of a frame; its packets stay. */
  assemble({ first, last }: CompleteFrame): AssembledFrame {
    let length = 0;
    let firstArrivalMs = Infinity;
    let arrivalMs = -Infinity;
    let captureUs: number | undefined;
    let width: number | undefined;
    let height: number | undefined;
    let packets = 0;
    for (let number = first; number <= last; number++) {
      const packet = this.#buffer.get(number);
      if (packet?.payload === undefined) continue;
      for (const piece of packet.payload.pieces) length += piece.length;
      firstArrivalMs = Math.min(firstArrivalMs, packet.arrivalMs);
      arrivalMs = Math.max(arrivalMs, packet.arrivalMs);
      captureUs ??= packet.captureUs;
      width = packet.payload.width ?? width;
      height = packet.payload.height ?? height;
      packets++;
    }
    const data = new Uint8Array(length);
    let at = 0;
    for (let number = first; number <= last; number++) {
      const payload = this.#buffer.get(number)?.payload;
      if (payload === undefined) continue;
      for (const piece of payload.pieces) {
        data.set(piece, at);
        at += piece.length;
      }
    }
    return { data, packets, firstArrivalMs, arrivalMs, captureUs, width, height };
  }

  /** The buffer is about to release its first packet. */
  leave(packet: VideoPacket): void {
    if (packet.isEnd) this.#cleanNumber = packet.number + 1;
    if (this.#complete[0]?.first === packet.number) this.#shift();
  }

  /** The buffer has dropped what lay before its first packet. */
  forget(): void {
    while ((this.#complete[0]?.first ?? Infinity) < this.#buffer.first) this.#shift();
  }

  /** The buffer has begun anew. */
  clear(): void {
    this.#complete.length = 0;
    this.#keyframes = 0;
    this.#cleanNumber = -1;
  }

  #shift(): void {
    if (this.#complete.shift()?.isKeyframe === true) this.#keyframes--;
  }

  /** Find out what a packet belongs to. @returns whether that is news to its successor */
  #link(packet: VideoPacket): boolean {
    const before = this.#buffer.get(packet.number - 1);
    const opened = before === undefined || before.isEnd ? undefined : this.#buffer.get(before.frame);
    if (packet.payload === undefined) return this.#linkFiller(packet, before);
    const goesOn = opened !== undefined && opened.timestamp === packet.timestamp;
    const begins = this.#begins(packet, before);
    if (opened !== undefined && (begins || !goesOn)) opened.torn = true;
    if (packet.frame !== NO_FRAME) return false;
    const wasEnd = packet.isEnd;
    packet.isEnd = packet.payload.isFrameEnd;
    if (!begins && !goesOn) return packet.isEnd !== wasEnd;
    const start = begins ? packet : opened;
    if (start === undefined) return false;
    packet.frame = start.number;
    if (packet.payload.isKeyframe) start.isKeyframe = true;
    if (packet.isEnd) this.#end(start, packet.number);
    return true;
  }

  /** A packet without media continues whatever was before it. */
  #linkFiller(packet: VideoPacket, before: VideoPacket | undefined): boolean {
    const { frame, isEnd } = packet;
    packet.frame = before?.frame ?? NO_FRAME;
    packet.isEnd = before?.isEnd ?? packet.number === this.#cleanNumber;
    return packet.frame !== frame || packet.isEnd !== isEnd;
  }

  #begins(packet: VideoPacket, before: VideoPacket | undefined): boolean {
    const isFrameStart = packet.payload?.isFrameStart;
    if (isFrameStart !== undefined) return isFrameStart;
    if (packet.number === this.#cleanNumber || before?.isEnd === true) return true;
    return before?.payload !== undefined && before.timestamp !== packet.timestamp;
  }

  #end(start: VideoPacket, last: number): void {
    this.#completed++;
    const frame = { first: start.number, last, isKeyframe: start.isKeyframe };
    let at = this.#complete.length;
    while (at > 0 && (this.#complete[at - 1] as CompleteFrame).first > frame.first) at--;
    this.#complete.splice(at, 0, frame);
    if (frame.isKeyframe) this.#keyframes++;
  }
}
