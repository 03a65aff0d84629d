// Byte offsets inside one stream's region and the numbers both sides must agree on. The build turns them into a
// table for JavaScript; kernels export none of them. A line is 64 bytes, so producer and consumer never write to the
// same cache line. Words are i32 unless a comment says f64.

// Written by the producer.
export const WRITE_POS: i32 = 0; // atomic; bytes ever written, mod 2^32
export const REFUSED: i32 = 4; // packets the producer could not place because the ring was full

// Written by the consumer, read by the producer.
export const READ_POS: i32 = 64; // atomic; bytes ever given back, mod 2^32

// Written once, before the region is shown to another thread.
export const SLOT_MASK: i32 = 128;
export const RING_MASK: i32 = 132;
export const SLOT_BASE: i32 = 136;
export const RING_BASE: i32 = 140;
export const MS_PER_TICK: i32 = 144; // f64
export const MAX_DELAY_MS: i32 = 152; // f64; bound of span and of overdue packets
export const IN_ORDER: i32 = 160; // 1: the next expected packet leaves at once
export const SHARED: i32 = 164; // 1: producer and consumer are different threads
export const ADAPTIVE: i32 = 168; // 1: the target follows the distribution of the transits
export const MIN_DELAY_MS: i32 = 176; // f64; floor of an adaptive target

// Order. Everything from here on belongs to the consumer.
export const INGEST_POS: i32 = 192; // ring position up to which records are indexed
export const RELEASE_POS: i32 = 196; // ring position below which every record is free
export const PHASE: i32 = 200;
export const NEXT_SEQ: i32 = 204; // extended number whose turn is next
export const FIRST_SEQ: i32 = 208; // lowest buffered extended number; meaningful while CURRENT > 0
export const HIGH_SEQ: i32 = 212; // highest extended number ever buffered
export const SEQ_SHIFT: i32 = 216; // added to a packet's number; moved when the sender's numbering jumps
export const SUSPECT: i32 = 220; // record of the one packet on probation, 0 when there is none
export const GAP: i32 = 224; // lost packets directly before NEXT_SEQ
export const LAST_STATUS: i32 = 228; // fate of the packet indexed last
export const OVERDUE_RUN: i32 = 232; // packets in a row that came too late and no less late than the one before
export const OVERDUE_ARRIVAL: i32 = 240; // f64, local ms of the last of them
export const OVERDUE_TRANSIT: i32 = 248; // f64

export const PHASE_EMPTY: i32 = 0; // no packet yet
export const PHASE_FILLING: i32 = 1; // no turn has passed: an earlier packet may still become the first
export const PHASE_RUNNING: i32 = 2;

// Time. A transit is arrival minus the sender's timeline, in ms, up to a constant.
export const REF_TS: i32 = 256; // RTP timestamp of HIGH_SEQ
export const BUCKET: i32 = 260; // index of the bucket in use
export const REF_MS: i32 = 264; // f64; the sender's timeline at REF_TS
export const BASE_MS: i32 = 272; // f64; least transit of the window
export const SLACK_MS: i32 = 280; // f64; what a fallen base still owes to the playout point
export const TARGET_MS: i32 = 288; // f64
export const LAST_TRANSIT: i32 = 296; // f64; of the packet buffered last
export const BUCKET_START: i32 = 304; // f64, local ms
export const SLEW_MS: i32 = 312; // f64, local ms of the last change of the slack

// Statistics. RECEIVED = CURRENT + DUPLICATE + LATE + OVERRUN + POPPED + (SUSPECT held); MALFORMED is counted apart.
export const RECEIVED: i32 = 320;
export const CURRENT: i32 = 324;
export const PEAK: i32 = 328;
export const DUPLICATE: i32 = 332;
export const LATE: i32 = 336;
export const OVERRUN: i32 = 340;
export const POPPED: i32 = 344;
export const LOST: i32 = 348; // absent when their turn came; they may still arrive LATE
export const MALFORMED: i32 = 352;
export const RESETS: i32 = 356;
export const RESYNCS: i32 = 360;
export const EXPECTED_POS: i32 = 364; // next bit of the loss history
export const EXPECTED_COUNT: i32 = 368; // bits in use, up to LOSS_WINDOW
export const EXPECTED_LOST: i32 = 372; // bits set
export const DELAY_POS: i32 = 376; // next cell of DELAYS
export const DELAY_FILL: i32 = 380; // cells in use

// Tables.
export const BUCKETS: i32 = 384; // f64 x BUCKET_COUNT; least transit of each bucket, Infinity for none
export const BUCKET_COUNT: i32 = 16;
export const LOSS_BITS: i32 = 512; // one bit for each of the last LOSS_WINDOW expected packets
export const LOSS_WINDOW: i32 = 512;
export const DELAYS: i32 = 576; // f64 x DELAY_COUNT; time in the buffer of the packets popped last
export const DELAY_COUNT: i32 = 10;

// The packet popped last.
export const OUT_PAYLOAD: i32 = 704; // address
export const OUT_LENGTH: i32 = 708; // payload bytes, without padding
export const OUT_SEQ: i32 = 712; // extended
export const OUT_TS: i32 = 716;
export const OUT_HEADER: i32 = 720; // sequence number << 16 | marker << 7 | payload type
export const OUT_SSRC: i32 = 724;
export const OUT_LOST: i32 = 728; // lost packets directly before it
export const OUT_ARRIVAL: i32 = 736; // f64, local ms
export const OUT_DELAY: i32 = 744; // f64, ms in the buffer
export const OUT_STRETCH: i32 = 752; // f64; ms by which the playout point has moved since the packet before

// What playing costs, seen from one popped packet to the next.
export const POINT_MS: i32 = 760; // f64; playout point of the packet popped last, Infinity before the first
export const STRETCHED_MS: i32 = 768; // f64; sum of its rises
export const SHRUNK_MS: i32 = 776; // f64; sum of its falls

// Adaptive target. Levels are transits; delays, as in the tables, lie above the base.
export const INTERVAL_START: i32 = 784; // f64, local ms
export const INTERVAL_MAX: i32 = 792; // f64; largest delay of the interval that was believed, above the base of its time
export const INTERVAL_PACKETS: i32 = 800;
export const INTERVALS: i32 = 804; // entered in the table
export const TRANSIT_1: i32 = 808; // f64; level of the packet before
export const TRANSIT_2: i32 = 816; // f64; of the one before that
export const LAST_SEQ: i32 = 824; // extended number of the packet before
export const LAST_TS: i32 = 828;
export const LAST_OVERTAKEN: i32 = 832; // 1: a newer packet had come before it
export const HEARD: i32 = 840; // f64; packets, older ones weighing less
export const WANTED_MS: i32 = 848; // f64; level the tables ask for, -Infinity before they know
export const TABLE_BASE_MS: i32 = 856; // f64; base that JITTER counts from
export const CONFIRMED_MS: i32 = 864; // f64; level that the last two packets both reached
export const RISE_MS: i32 = 872; // f64; by how much the playout point may rise on the word of two packets
export const LAST_BASE_MS: i32 = 880; // f64; base when the packet before came
export const JITTER: i32 = 896; // f64 x DELAY_BUCKETS; share of intervals with this maximum
export const OVERTAKEN: i32 = 1920; // f64 x DELAY_BUCKETS; overtaken packets with this delay
export const DELAY_BUCKETS: i32 = 128;

export const CONTROL_BYTES: i32 = 2944;

// Slot of the index, at (extended sequence number & SLOT_MASK); the ring follows the slots.
export const SLOT_SHIFT: i32 = 3;
export const SLOT_RECORD: i32 = 0; // record address, 0 when the slot is empty
export const SLOT_TS: i32 = 4;

// Ring record: header, then the RTP packet; 16-aligned.
export const RECORD_HEADER: i32 = 16;
export const RECORD_LENGTH: i32 = 0; // bytes of the packet; of the whole record for STATE_PAD
export const RECORD_STATE: i32 = 4;
export const RECORD_ARRIVAL: i32 = 8; // f64, local ms

export const STATE_LIVE: i32 = 0;
export const STATE_FREE: i32 = 1;
export const STATE_PAD: i32 = 2; // filler up to the end of the ring

// What became of a packet.
export const STATUS_BUFFERED: i32 = 0;
export const STATUS_DUPLICATE: i32 = 1;
export const STATUS_LATE: i32 = 2;
export const STATUS_RESET: i32 = 3;
export const STATUS_MALFORMED: i32 = 4;
export const STATUS_SUSPECT: i32 = 5;
export const STATUS_OVERRUN: i32 = 6;

// Limits.
export const MAX_PACKETS: i32 = 1000; // at most this many wait; fewer than the slots
export const SLOT_COUNT: i32 = 1024;
export const HEADROOM_SHIFT: i32 = 2; // a quarter of the ring stays free for what comes next
export const MAX_RECORD_SHIFT: i32 = 3; // a record takes an eighth of the ring at most, so it and a PAD fit there
