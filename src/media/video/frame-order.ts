// The frames of one incoming stream in their turn: decides how long a gap holds back what came after it, what is given
// up, and what may be decoded. Holds the packets through its buffer; sends nothing.
import { Decodability } from "./decodability.ts";
import { FrameAssembler } from "./frame-assembler.ts";
import type { AssembledFrame, CompleteFrame } from "./frame-assembler.ts";
import { NackList } from "./nack-list.ts";
import { NO_FRAME, PacketBuffer } from "./packet-buffer.ts";
import type { PacketFate, VideoPacket } from "./packet-buffer.ts";

/** A frame without gaps whose last packets do not come is given up after this, ms. */
const STALE_MS = 2000;

/**
 * Where more packets are missing than these, and than this share of what has come since, the path is full: asking for them
 * on and on would fill it further, and a keyframe makes all of them needless.
 */
const AWAITED_PACKETS = 2;
const AWAITED_SHARE = 1 / 8;

/** The first packets of a stream may be out of order: what cannot begin a frame waits this long for what does, ms. */
const BEGINNING_MS = 30;

/** A frame whose turn it is and whose references have all been handed out. */
export interface OrderedFrame extends AssembledFrame {
  /** Its first packet. */
  readonly start: VideoPacket;
}

/** Counters of a {@link FrameOrder}; packets with media only. */
export interface FrameOrderCounters {
  /** Sequence numbers given up. */
  lost: number;
  /** Packets that came because they were asked for. */
  recovered: number;
  /** Packets without media that filled their number. */
  fillers: number;
  /** Packets of frames handed out. */
  delivered: number;
  /** Packets of whole frames that could not be decoded. */
  undecodable: number;
  /** Packets of frames that did not become whole in time. */
  incomplete: number;
  framesDelivered: number;
}

/** Packets in, frames out. */
export class FrameOrder {
  readonly counters: FrameOrderCounters = {
    lost: 0,
    recovered: 0,
    fillers: 0,
    delivered: 0,
    undecodable: 0,
    incomplete: 0,
    framesDelivered: 0,
  };
  readonly buffer = new PacketBuffer();
  readonly nacks = new NackList();
  readonly assembler: FrameAssembler;
  readonly #decodability = new Decodability();
  /** Lost numbers and broken packets since the last frame. */
  #gap = 0;
  #troubled = false;
  /** What holds back the rest has been waited for so long that a keyframe may come first. */
  #late = false;
  #deadlineMs = Infinity;

  constructor() {
    this.assembler = new FrameAssembler(this.buffer);
  }

  /** A keyframe is wanted: something was given up and no frame could be handed out since, or may have to be. */
  get troubled(): boolean {
    return this.#troubled || this.#late;
  }

  /** When {@link take} has to be asked again though nothing came, local ms; Infinity for never. */
  get deadlineMs(): number {
    return this.#deadlineMs;
  }

  /** Take a packet in; parameters as in `PacketBuffer.insert`. */
  insert(packet: VideoPacket, sequenceNumber: number, resent: boolean, nowMs: number): PacketFate {
    const { first, highest } = this.buffer;
    const fate = this.buffer.insert(packet, sequenceNumber, resent, nowMs);
    if (fate === "restarted") this.#restart(nowMs);
    else if (fate === "buffered") this.#place(packet, first, highest, resent, nowMs);
    return fate;
  }

  /**
   * The next frame to hand out; ask until there is none.
   * @param patienceMs after which a gap is given up where there are frames that do without it, or too much is missing; else
   * a keyframe is wanted, and that or what is missing ends it, whichever comes first
   * @param longestMs after which it is given up anyway
   */
  take(nowMs: number, patienceMs: number, longestMs: number): OrderedFrame | undefined {
    const { buffer } = this;
    this.#deadlineMs = Infinity;
    while (buffer.first <= buffer.highest) {
      const head = buffer.get(buffer.first);
      const { noticedMs } = this.nacks;
      this.#late = noticedMs !== undefined && nowMs >= noticedMs + patienceMs;
      if (noticedMs !== undefined && !this.#late) this.#deadlineMs = noticedMs + patienceMs;
      const waitMs = this.#late && !this.#isWorthWaiting() ? patienceMs : longestMs;
      if (head?.payload === undefined) {
        if (head !== undefined) this.#release(head);
        else if (!this.#skipGap(nowMs, waitMs)) return undefined;
        continue;
      }
      const frame = head.frame === head.number ? this.assembler.frameAt(head.number) : undefined;
      if (frame === undefined) {
        if (!this.#skipTorn(head, nowMs, waitMs)) return undefined;
      } else if (this.#decodability.allows(head.payload, head.isKeyframe, this.#gap))
        return this.#hand(head, frame);
      else this.#drop(head, frame);
    }
    this.#late = false;
    return undefined;
  }

  /** The decoder cannot go on: all until the next keyframe is dropped. */
  fail(): void {
    this.#decodability.fail();
    this.#troubled = true;
  }

  /** Another stream begins. */
  clear(): void {
    this.buffer.clear();
    this.assembler.clear();
    this.nacks.clear();
    this.#decodability.fail();
    this.#gap = Infinity;
    this.#troubled = false;
    this.#late = false;
    this.#deadlineMs = Infinity;
  }

  get #frozen(): boolean {
    return this.troubled || !this.#decodability.started;
  }

  #restart(nowMs: number): void {
    const { first, highest } = this.buffer;
    this.assembler.clear();
    this.nacks.clear();
    if (this.#decodability.started) this.fail();
    this.#gap = Infinity;
    let next = first;
    for (let number = first; number <= highest; number++) {
      const packet = this.buffer.get(number);
      if (packet === undefined) continue;
      if (packet.payload === undefined) this.counters.fillers++;
      this.nacks.note(next, number, nowMs);
      next = number + 1;
      this.assembler.add(number);
    }
  }

  #place(packet: VideoPacket, first: number, highest: number, resent: boolean, nowMs: number): void {
    const { number } = packet;
    if (packet.payload === undefined) this.counters.fillers++;
    if (number > highest) this.#note(highest + 1, number, nowMs);
    else if (number < first) this.#note(number + 1, first, nowMs);
    else if (this.nacks.arrived(number, highest, resent, nowMs)) this.counters.recovered++;
    this.assembler.add(number);
  }

  #note(from: number, to: number, nowMs: number): void {
    if (this.nacks.note(from, to, nowMs)) return;
    // Too much is missing to be worth asking for: go on from here.
    this.buffer.skipTo(to);
    this.assembler.forget();
    this.#gap = Infinity;
    this.#troubled = true;
  }

  /** The next number has not come. @returns false while it may be waited for */
  #skipGap(nowMs: number, waitMs: number): boolean {
    if (this.#jump()) return true;
    if (this.#mustWait(nowMs, (this.nacks.noticedMs ?? -Infinity) + waitMs)) return false;
    this.#giveUp();
    return true;
  }

  /** The frame of the next packet is not whole. @returns false while it may become so */
  #skipTorn(head: VideoPacket, nowMs: number, waitMs: number): boolean {
    if (this.#jump()) return true;
    if (head.frame === NO_FRAME && this.buffer.beginning) {
      if (this.#mustWait(nowMs, head.arrivalMs + BEGINNING_MS)) return false;
      // Its format does not tell where frames begin, yet what tells a size stands in front of a keyframe.
      if (head.payload?.isFrameStart === undefined && head.payload?.width !== undefined) {
        this.assembler.trust(head.number);
        if (head.frame === head.number) return true;
      }
    }
    const isHopeless = head.frame !== head.number || head.torn || !this.#mayDecode(head);
    const giveUpMs = (this.nacks.noticedMs ?? head.arrivalMs + STALE_MS - waitMs) + waitMs;
    if (!isHopeless && this.#mustWait(nowMs, giveUpMs)) return false;
    this.counters.incomplete++;
    this.#gap++;
    this.#troubled = true;
    this.#release(head);
    return true;
  }

  /** Without a picture id, the frame may yet turn out to be a keyframe: in H.264 any of its packets may say so. */
  #mayDecode({ payload, isKeyframe }: VideoPacket): boolean {
    if (payload?.pictureId === undefined) return true;
    return this.#decodability.allows(payload, isKeyframe, this.#gap);
  }

  /** Whether what is missing may still come and is needed: no frame behind the gap does without it. */
  #isWorthWaiting(): boolean {
    const { first, held } = this.buffer;
    if (this.nacks.length > AWAITED_PACKETS + AWAITED_SHARE * held) return false;
    return !this.assembler.some(({ first: number, isKeyframe }, { payload }) => {
      const lostPackets = this.#gap + number - first;
      return payload !== undefined && this.#decodability.allows(payload, isKeyframe, lostPackets);
    });
  }

  #mustWait(nowMs: number, untilMs: number): boolean {
    if (nowMs >= untilMs) return false;
    this.#deadlineMs = Math.min(this.#deadlineMs, untilMs);
    return true;
  }

  /** Where only a keyframe helps, nothing before the next one is of use. @returns whether there was one to go to */
  #jump(): boolean {
    if (!this.#frozen) return false;
    const keyframe = this.assembler.keyframe;
    if (keyframe === undefined) return false;
    while (this.buffer.first < keyframe.first) {
      const packet = this.buffer.get(this.buffer.first);
      if (packet === undefined) this.#giveUp();
      else this.#dropEarlier(packet);
    }
    return true;
  }

  #dropEarlier(packet: VideoPacket): void {
    const frame = this.assembler.frameAt(packet.number);
    if (frame !== undefined) this.#drop(packet, frame);
    else {
      if (packet.payload !== undefined) this.counters.incomplete++;
      this.#gap++;
      this.#release(packet);
    }
  }

  #giveUp(): void {
    this.counters.lost++;
    this.#gap++;
    this.#troubled = true;
    this.buffer.release();
    this.nacks.dropBelow(this.buffer.first);
  }

  #hand(start: VideoPacket, frame: CompleteFrame): OrderedFrame {
    const { data, packets, firstArrivalMs, arrivalMs, captureUs, width, height } =
      this.assembler.assemble(frame);
    this.#leave(start, frame, true);
    this.#troubled = false;
    this.counters.framesDelivered++;
    this.counters.delivered += packets;
    return { data, packets, firstArrivalMs, arrivalMs, captureUs, width, height, start };
  }

  #drop(start: VideoPacket, frame: CompleteFrame): void {
    this.counters.undecodable += this.#leave(start, frame, false);
    this.#troubled = true;
  }

  /** @returns packets with media */
  #leave(start: VideoPacket, frame: CompleteFrame, handedOut: boolean): number {
    if (start.payload !== undefined)
      this.#decodability.pass(start.payload, start.isKeyframe, this.#gap, handedOut);
    this.#gap = 0;
    let packets = 0;
    while (this.buffer.first <= frame.last) {
      const packet = this.buffer.get(this.buffer.first);
      if (packet === undefined) break;
      if (packet.payload !== undefined) packets++;
      this.#release(packet);
    }
    return packets;
  }

  #release(packet: VideoPacket): void {
    this.assembler.leave(packet);
    this.buffer.release();
  }
}
