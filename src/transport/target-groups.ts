// Which outgoing encoder serves which peers. Every peer belongs to at most one group, so there are never more groups
// than peers, and a group keeps its encoder while its members change a few at a time, or while it has the same name. Pure.

/** A group is taken for targets of which it has at least this share: members in both, of members in either. */
const MIN_SHARED = 1 / 2;

const NOBODY: ReadonlySet<string> = new Set();

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
  readonly key: string | undefined;
  /** Its last targets, less those that others serve by now. */
  members: ReadonlySet<string>;
  /** Those it served before and nobody has served since: something for them may still be under way. */
  former: ReadonlySet<string>;
}

/** Sources and the disjoint sets of peers that they serve. */
export class TargetGroups<Source> {
  readonly #groups: Group<Source>[] = [];

  get sources(): Source[] {
    return this.#groups.map(({ source }) => source);
  }

  /**
   * The source for what goes to `targets`. With a key: the one that was taken with this key last, else a new one. Without:
   * of those taken without, the one whose last targets were most like these, if at least half of them all are shared, else
   * a new one. From now on it serves exactly `targets`, and no other source serves any of them.
   *
   * @param targets at least one peer
   * @param make called when a new source is needed, with the sources that lose a peer to it
   * @param key says which stream it is: several that change peers among each other keep what they had coded so far
   */
  take(
    targets: ReadonlySet<string>,
    make: (left: readonly Source[]) => Source,
    key?: string,
  ): TakenGroup<Source> {
    const best =
      key === undefined ? this.#mostAlike(targets) : this.#groups.find((group) => group.key === key);
    const left = this.#groups.filter(
      (group) => group !== best && sharedBy(group.members, targets) + sharedBy(group.former, targets) > 0,
    );
    // Before anything changes: `make` may throw.
    const source = best?.source ?? make(left.map((group) => group.source));
    const group = best ?? { source, key, members: targets, former: NOBODY };
    if (best === undefined) this.#groups.push(group);
    group.former = without(new Set([...group.former, ...group.members]), targets);
    group.members = targets;
    for (const each of left) {
      each.members = without(each.members, targets);
      each.former = without(each.former, targets);
    }
    return { source, left: left.map((each) => each.source), retired: this.#removeEmpty() };
  }

  /** Forget a peer. @returns the source that served nobody else and is no longer held */
  release(peer: string): Source | undefined {
    const gone = new Set([peer]);
    for (const group of this.#groups) {
      group.members = without(group.members, gone);
      group.former = without(group.former, gone);
    }
    return this.#removeEmpty()[0];
  }

  #mostAlike(targets: ReadonlySet<string>): Group<Source> | undefined {
    let best: Group<Source> | undefined;
    let most = 0;
    for (const group of this.#groups) {
      if (group.key !== undefined) continue;
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

function without(peers: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> {
  return sharedBy(peers, others) === 0 ? peers : new Set([...peers].filter((peer) => !others.has(peer)));
}

function sharedBy(a: ReadonlySet<string>, b: ReadonlySet<string>): number {
  let count = 0;
  for (const member of a) if (b.has(member)) count++;
  return count;
}
