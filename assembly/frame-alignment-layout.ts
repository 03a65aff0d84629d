// Byte offsets of the frame alignment's region, and the numbers both sides must agree on: a header, ten peers, and a
// ring of waiting frames for each of them. Its adapter sets it up: zeros but for what is said here. Words are i32 unless a comment says f64. Times are local ms.

export const ALIGN_STATUS: i32 = 0; // fate of the frame pushed last
export const ALIGN_ROWS: i32 = 4; // rows that have left
export const ALIGN_CAP_MS: i32 = 8; // f64; a row waits at most this long after its capture
export const ALIGN_LAST_MS: i32 = 16; // f64; capture time of the row that left last, at first -Infinity
export const ALIGN_ROW_MS: i32 = 24; // f64; capture time of the row that is next
export const ALIGN_LIMIT_MS: i32 = 32; // f64; a head beyond it stays for a later row
export const ALIGN_ROW: i32 = 64; // handle of each peer's frame in the row that left last, 0 for none
export const ALIGN_PEERS: i32 = 128;

// One peer. PUSHED = WAITING + ALIGNED + LATE + OVERFLOW + TAKEN.
export const ALIGN_PEER_SHIFT: i32 = 6;
export const ALIGN_MODE: i32 = 0;
export const ALIGN_RING: i32 = 4; // address
export const ALIGN_MASK: i32 = 8; // places of the ring, less one
export const ALIGN_HEAD: i32 = 12; // position of the first waiting frame in the ring
export const ALIGN_WAITING: i32 = 16;
export const ALIGN_PUSHED: i32 = 20;
export const ALIGN_ALIGNED: i32 = 24; // left in a row
export const ALIGN_LATE: i32 = 28; // came after their row had left
export const ALIGN_OVERFLOW: i32 = 32; // were the oldest when too many waited
export const ALIGN_TAKEN: i32 = 36; // asked back by their owner
export const ALIGN_DELAY_MS: i32 = 40; // f64; how long after its capture a frame of this peer usually comes
export const ALIGN_FLOOR_MS: i32 = 48; // f64; what was captured up to here has missed its row; at first ALIGN_LAST_MS
export const ALIGN_HEAD_MS: i32 = 56; // f64; capture time of the first waiting frame, Infinity for none

export const ALIGN_MODE_FREE: i32 = 0; // no peer
export const ALIGN_MODE_ACTIVE: i32 = 1; // rows wait for it
export const ALIGN_MODE_SILENT: i32 = 2; // it sends nothing on purpose: there once its frame would have come

// A waiting frame; the rings follow the peers.
export const ALIGN_FRAME_SHIFT: i32 = 4;
export const ALIGN_CAPTURE_MS: i32 = 0; // f64
export const ALIGN_DURATION_US: i32 = 8;
export const ALIGN_HANDLE: i32 = 12;

export const ALIGN_QUEUED: i32 = 0;
export const ALIGN_DISPLACED: i32 = 1; // queued, and the peer's oldest frame had to go
export const ALIGN_TOO_LATE: i32 = 2;

export const ALIGN_MAX_PEERS: i32 = 10;
