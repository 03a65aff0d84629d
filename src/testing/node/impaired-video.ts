// A platform whose video links run through a relay. Their candidates take the way of the main connection, over its
// `control` channel, so that `impairSignaling` never sees them.
import type { IceCandidate, PeerLink, PeerLinkOptions, Platform } from "../../platform/platform.ts";
import { stripDescription } from "./candidate.ts";
import type { ImpairmentRelay } from "./relay.ts";
import type { RelayedConnection } from "./relayed-connection.ts";

/**
 * Lead all video links of a platform through `relay`, both directions; for one of the two peers. Goes with
 * `impairSignaling`, which leads everything else there.
 */
export function impairVideo(platform: Platform, relay: ImpairmentRelay): Platform {
  return {
    ...platform,
    openPeerLink: (options, events) => {
      if (options.video === undefined) return platform.openPeerLink(options, events);
      const path = relay.open(...namesOf(options));
      // Candidates leave in the order in which they came.
      let order = Promise.resolve();
      const link = platform.openPeerLink(options, {
        ...events,
        candidate: (own) => {
          order = order.then(async () => {
            const candidate = await path.ownCandidate(own.candidate);
            if (candidate !== undefined) events.candidate({ ...own, candidate });
          });
        },
      });
      return relayed(link, path);
    },
  };
}

function relayed(link: PeerLink, path: RelayedConnection): PeerLink {
  const add = async (theirs: IceCandidate): Promise<void> => {
    const candidate = await path.remoteCandidate(theirs.candidate);
    if (candidate !== undefined) await link.addCandidate({ ...theirs, candidate });
  };
  /** Descriptions may hold candidates too. */
  const without = async (sdp: string, take: (sdp: string) => Promise<string>): Promise<string> => {
    const stripped = stripDescription(sdp);
    const result = await take(stripped.sdp);
    for (const candidate of stripped.candidates) await add(candidate);
    return result;
  };
  return {
    get state() {
      return link.state;
    },
    channels: link.channels,
    audio: link.audio,
    get video() {
      return link.video;
    },
    createOffer: () => link.createOffer(),
    createAnswer: (sdp) => without(sdp, (offer) => link.createAnswer(offer)),
    acceptAnswer: async (sdp) => {
      await without(sdp, async (answer) => {
        await link.acceptAnswer(answer);
        return answer;
      });
    },
    addCandidate: add,
    statistics: () => link.statistics(),
    close: async () => {
      await link.close();
      await path.close();
    },
  };
}

/** Links are named `local->remote video`. */
function namesOf({ name }: PeerLinkOptions): [string, string] {
  const [, local = "local", remote = "remote"] = /^(\S+)->(\S+)/.exec(name) ?? [];
  return [`${local} video`, `${remote} video`];
}
