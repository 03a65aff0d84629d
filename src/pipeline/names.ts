// The two spellings of a name, and which known name a wrong one was meant to be. Pure.

/** Further from each other than that, names are different words and no slips of the pen. */
const NEAR_EDITS = 2;
/** Of words with two letters, one edit leaves nothing. */
const LETTERS_PER_EDIT = 3;
/** Shorter beginnings of a name say too little. */
const MIN_PREFIX = 3;
/** Longer names are no slips, and comparing them takes time. */
const MAX_COMPARED = 64;

/** `gain_db` as `gainDb`. Names that are in camelCase stay what they are. */
export function camelCase(name: string): string {
  return name.replace(/_([a-z0-9])/g, (match, letter: string, at: number) =>
    at === 0 ? match : letter.toUpperCase(),
  );
}

/** `gainDb` as `gain_db`. */
export function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/**
 * What to append to a message about an unknown name.
 *
 * @returns `; did you mean gain_db?`, in the spelling of `name`, or nothing when no candidate is near
 */
export function didYouMean(name: string, candidates: Iterable<string>): string {
  const near = nearestName(name, candidates);
  if (near === undefined) return "";
  return `; did you mean ${name.includes("_") ? snakeCase(near) : near}?`;
}

/** The candidate that differs least: two edits at most, or one begins with the other. Spelling and case do not count. */
export function nearestName(name: string, candidates: Iterable<string>): string | undefined {
  if (name.length > MAX_COMPARED) return undefined;
  const wanted = letters(name);
  let best: string | undefined;
  let bestEdits = Infinity;
  for (const candidate of candidates) {
    const known = letters(candidate);
    const edits = isBeginning(known, wanted) || isBeginning(wanted, known) ? 1 : editDistance(wanted, known);
    const isNear = edits <= NEAR_EDITS && edits * LETTERS_PER_EDIT <= Math.max(wanted.length, known.length);
    if (!isNear || edits >= bestEdits) continue;
    best = candidate;
    bestEdits = edits;
  }
  return best;
}

function isBeginning(part: string, whole: string): boolean {
  return part.length >= MIN_PREFIX && whole.startsWith(part);
}

function letters(name: string): string {
  return name.slice(0, MAX_COMPARED).replaceAll("_", "").toLowerCase();
}

/** Letters put in, left out or exchanged on the way from one word to the other (Levenshtein). */
function editDistance(from: string, to: string): number {
  if (Math.abs(from.length - to.length) > NEAR_EDITS) return Infinity;
  let previous = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (previous[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      current.push(Math.min(replaced, (previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[to.length] ?? Infinity;
}
