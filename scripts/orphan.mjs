// npm runs a script through a shell that dies of a signal without passing it on. Noticing its end is how SIGTERM to
// npm still reaches us.

/** Twice a second is soon enough for a person and costs nothing. */
const CHECK_MS = 500;

/** Call `act` once when npm's shell has ended before us. Does nothing when npm did not start us; holds nothing open. */
export function whenOrphaned(act) {
  if (process.env.npm_lifecycle_event === undefined) return;
  const parent = process.ppid;
  const timer = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(timer);
    act();
  }, CHECK_MS);
  timer.unref();
}
