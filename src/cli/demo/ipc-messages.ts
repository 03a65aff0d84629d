// What the first process of a run and the processes of its peers say to each other. Types only; both ends are ours, of
// the same build, so nothing is checked. Sound crosses only where a page speaks.
import type { AlignmentFigures, CaptureLags } from "./alignment-judge.ts";
import type { RunPlan } from "./lineup.ts";
import type { PairRow } from "./report.ts";
import type { SentBlocks } from "./signals.ts";
import type { UsageFigures } from "./usage-figures.ts";
import type { ShownPictures, VideoPairRow } from "./video/video-measurement.ts";

/** What one process has measured. */
export interface HostReport {
  /** Names of the peers that live there. */
  peerIds: readonly string[];
  rows: PairRow[];
  /** One for each of its peers that reads aligned. */
  alignments: AlignmentFigures[];
  /** Of pairs that see each other. */
  video: VideoPairRow[];
  usage: UsageFigures;
}

/** What became of a process's recordings. */
export interface Recorded {
  files: number;
  /** Of sound. */
  lostBlocks: number;
  lostPictures: number;
  /** The first reason for a loss. */
  reason: string | undefined;
}

/** Sound of a page: 16-bit, mono, 48 kHz. */
export interface PageBlock {
  peerId: string;
  pcm: Int16Array;
  calledMs: number;
  missing: number;
}

/** Word of what was said, spread to every process. */
export type Word =
  | { type: "sent"; sent: SentBlocks[] }
  /** What was shown. */
  | { type: "shown"; shown: ShownPictures[] }
  /** What the bridge found of the speakers in its mixes. */
  | { type: "lags"; lags: CaptureLags }
  | { type: "page-sent"; block: PageBlock }
  | { type: "page-joined"; peerId: string }
  | { type: "page-left"; peerId: string };

/** What a process says to all others of its own accord. */
export type HostWord = Extract<Word, { type: "sent" | "shown" | "lags" }>;

/** To a process of peers. */
export type ToPeers =
  /** First; `own` are the names of the peers that live there, `processes` how many share the measuring. */
  | { type: "plan"; plan: RunPlan; own: readonly string[]; processes: number }
  | { type: "start"; peerId: string }
  | { type: "report"; id: number; live: boolean }
  /** Fall silent, leave, finish recordings of so many samples, end. */
  | { type: "stop"; samples: number }
  | Word;

/** From a process of peers. */
export type FromPeers =
  /** The plan is understood, and what takes time has been made. */
  | { type: "ready" }
  /** Answers `start`; with a fault when the peer could not join. */
  | { type: "started"; peerId: string; fault: string | undefined }
  | { type: "connected"; from: string; to: string }
  | { type: "trouble"; text: string }
  | { type: "report"; id: number; report: HostReport }
  | { type: "stopped"; recorded: Recorded | undefined }
  | HostWord;
