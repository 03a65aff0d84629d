// How tests start Chromium, by vitest and by playwright alike: quiet, with fake devices, and willing to connect
// peers over loopback.

/** The browser to start. */
export const CHROMIUM_PATH = process.env.CHROMIUM_PATH ?? "/usr/bin/chromium";

/** Command line of the browser. */
export const CHROMIUM_ARGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  // Timers of a page in the background would be held back, and which page is in front is chance in a test.
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--allow-loopback-in-peer-connection",
  "--autoplay-policy=no-user-gesture-required",
  "--use-fake-device-for-media-stream",
  "--use-fake-ui-for-media-stream",
];

/** Granted media permissions, not a flag, make Chromium offer 127.0.0.1 instead of mDNS names. */
export const CHROMIUM_PERMISSIONS = ["microphone", "camera"];

/** Cross-origin isolation: without it there is no SharedArrayBuffer in a page, and its clock has 100 us steps. */
export const ISOLATION_HEADERS = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "same-origin",
};
