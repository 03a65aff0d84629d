// Which outgoing encoder serves which peers. Every peer belongs to at most one group, so there are never more groups
// than peers, and a group keeps its encoder while its members change a few at a time. Pure.

/** A group is taken for targets of which it has at least this share: members in both, of members in either. */
const MIN_SHARED = 1 / 2;

/** What {@link TargetGroups.take} has decided. */
export interface TakenGroup<Source> {
  source: Source;
  /** Sources that have lost a peer to this one, still in use or not. */
  left: Source[];
  /** Those of them that have lost their last one and are no longer held. */
  retired: Source[];
}

interface Group<Source> {
  readonly source: Source;
  members: ReadonlySet<string>;
}

/** Sources and the disjoint sets of peers that they serve. */
export class TargetGroups<Source> {
  readonly #groups: Group<Source>[] = [];

  get sources(): Source[] {
    return this.#groups.map(({ source }) => source);
  }

  /**
   * The source for what goes to `targets`: the one whose last targets were most like these, if at least half of them
   * all are shared, else a new one. From now on it serves exactly `targets`, and no other source serves any of them.
   *
   * @param targets at least one peer
   * @param make called when a new source is needed, with the sources that lose a peer to it
   */
  take(targets: ReadonlySet<string>, make: (left: readonly Source[]) => Source): TakenGroup<Source> {
    const best = this.#mostAlike(targets);
    const left = this.#groups.filter((group) => group !== best && sharedBy(group.members, targets) > 0);
    // Before anything changes: `make` may throw.
    const group = best ?? { source: make(left.map(({ source }) => source)), members: targets };
    if (best === undefined) this.#groups.push(group);
    group.members = targets;
    for (const each of left) {
      each.members = new Set([...each.members].filter((member) => !targets.has(member)));
    }
    return { source: group.source, left: left.map(({ source }) => source), retired: this.#removeEmpty() };
  }

  /** Forget a peer. @returns the source that served nobody else and is no longer held */
  release(peer: string): Source | undefined {
    for (const group of this.#groups) {
      group.members = new Set([...group.members].filter((member) => member !== peer));
    }
    return this.#removeEmpty()[0];
  }

  #mostAlike(targets: ReadonlySet<string>): Group<Source> | undefined {
    let best: Group<Source> | undefined;
    let most = 0;
    for (const group of this.#groups) {
      const shared = sharedBy(group.members, targets);
      const share = shared / (group.members.size + targets.size - shared);
      if (share < MIN_SHARED || share <= most) continue;
      best = group;
      most = share;
    }
    return best;
  }

  #removeEmpty(): Source[] {
    const removed: Source[] = [];
    for (let i = this.#groups.length - 1; i >= 0; i--) {
      const { members, source } = this.#groups[i] as Group<Source>;
      if (members.size > 0) continue;
      this.#groups.splice(i, 1);
      removed.push(source);
    }
    return removed;
  }
}

function sharedBy(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let count = 0;
  for (const member of a) if (b.has(member)) count++;
  return count;
}
