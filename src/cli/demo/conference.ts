// A peer that reads all others aligned on one clock and mixes them: what a program does with the library to hold a
// conference. A bridge sends each listener the mix of everybody but itself; other peers keep theirs for their own ear.
import { ConferenceMixer } from "../../node.ts";
import type { AlignedBlock, ConferenceMix, WebRtcTransport } from "../../node.ts";
import type { PeerPlan } from "./lineup.ts";
import { SAMPLE_RATE } from "./voice.ts";

/**
 * Blocks wait no longer than they must. Long frames over a path that jitters take more than the usual 300 ms to be played,
 * and whoever is not waited for is missing in the mix.
 */
const MAX_ALIGN_DELAY_MS = 600;

/** What a conference is held with. */
export interface ConferenceOptions {
  transport: WebRtcTransport;
  self: PeerPlan;
  /** Names of those who send mixes: nothing of their own, and so nothing to be mixed again. */
  bridges: readonly string[];
  /** Called with every set that was read, before it is mixed. */
  onSet: (block: AlignedBlock) => void;
  /** Called with what this peer itself is to hear of it. */
  onOwnMix: (samples: Float32Array, captureUs: number) => void;
  /** Called when a mix could not be sent. */
  onFault: (error: unknown) => void;
}

/** Read, mix and send until the transport is shut down. */
export async function confer(options: ConferenceOptions): Promise<void> {
  const { transport, self, bridges, onSet, onOwnMix } = options;
  const mixer = new ConferenceMixer();
  try {
    for await (const block of transport.alignedFrames({ maxAlignDelayMs: MAX_ALIGN_DELAY_MS })) {
      onSet(block);
      const voices = block.peers.filter(({ peerId }) => !bridges.includes(peerId));
      const present = transport.listPeers().map(({ peerId }) => peerId);
      const listeners = self.bridges ? present : [self.peerId];
      const { mixes, captureUs } = mixer.mix({ ...block, peers: voices }, { listeners });
      for (const mix of mixes) {
        if (self.bridges) send(options, mix, present, captureUs);
        else if (mix.listeners.includes(self.peerId)) onOwnMix(mix.samples, captureUs);
      }
    }
  } finally {
    mixer.close();
  }
}

/** To those of its listeners who are still there. */
function send(
  { transport, onFault }: ConferenceOptions,
  { samples, listeners }: ConferenceMix,
  present: readonly string[],
  captureUs: number,
): void {
  const only = listeners.filter((listener) => present.includes(listener));
  if (only.length === 0) return;
  const timestampUs = Math.round(captureUs);
  const data = { type: "audio", samples, sampleRate: SAMPLE_RATE, channels: 1, timestampUs } as const;
  transport.broadcast(data, { only }).then(({ failedPeers }) => {
    for (const { error } of failedPeers) onFault(error);
  }, onFault);
}
