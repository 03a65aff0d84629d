// The page's entry: wires what the visitor does to the call, and what the call tells to the view.
import { describeError, TransportError } from "../../../errors/errors.ts";
import { Call } from "./call.ts";
import { PictureView } from "./picture-view.ts";
import { Plots } from "./plots.ts";
import { TableView } from "./table-view.ts";
import { VideoTableView } from "./video-table-view.ts";
import { View } from "./view.ts";

/** Names end up as peer ids: letters, digits, _ and -. */
const NOT_ALLOWED = /[^A-Za-z0-9_-]+/g;
const OUTER_DASHES = /^-+|-+$/g;

const view = new View();
const table = new TableView();
const videoTable = new VideoTableView();
const pictures = new PictureView();
const plots = new Plots();
let call: Call | undefined;

view.name.value = localStorage.getItem("name") ?? "";
if (!window.isSecureContext) {
  view.notice(
    "Browsers give microphone and sound only to pages on https or localhost. From another machine, tunnel the port " +
      `(ssh -L ${location.port}:localhost:${location.port} …) and open http://localhost:${location.port}/.`,
  );
}

view.form.addEventListener("submit", (event) => {
  event.preventDefault();
  void (call === undefined ? join() : leave("Not joined"));
});
view.mute.addEventListener("click", () => call?.mute(view.toggle(view.mute)));
view.camera.addEventListener("click", () => void film());
window.addEventListener("pagehide", () => void call?.leave());

async function join(): Promise<void> {
  const name = view.name.value.trim().replace(NOT_ALLOWED, "-").replace(OUTER_DASHES, "").slice(0, 32);
  localStorage.setItem("name", name);
  const peerId = name === "" ? `guest-${crypto.getRandomValues(new Uint16Array(1))[0]}` : name;
  view.notice();
  view.show("joining", "Joining …");
  try {
    call = await Call.join(peerId, {
      connected: (id) => view.addPeer(id, (muted) => call?.mutePeer(id, muted)),
      disconnected: (id) => view.removePeer(id),
      level: (id, rms) => view.level(id, rms),
      synced: (id, state) => view.synced(id, state),
      reception: (id, reception) => view.reception(id, reception),
      image: (id, image, fps) => pictures.show(id ?? peerId, image, fps, id === undefined),
      imagesEnded: (id) => pictures.remove(id),
      speaker: (id) => {
        view.speaker(id);
        pictures.speaker(id);
      },
      table: (message) => {
        const { rows, video, elapsedMs, rssMb, cpuPercent } = message;
        const seconds = Math.round(elapsedMs / 1000);
        const load = `${rssMb.toFixed(0)} MB and ${cpuPercent.toFixed(0)} % of a core for all that the demo runs`;
        table.show(rows, `${seconds} s, ${load}`, peerId);
        videoTable.show(video, peerId);
        pictures.measured(video, peerId);
        plots.take(message, peerId);
      },
      reachable: (reachable) => {
        if (call === undefined) return;
        if (reachable) view.show("joined", `Joined as ${peerId}`);
        else void leave("The demo has ended or cannot be reached.", "failed");
      },
      notice: (text) => view.notice(text),
      retract: (text) => view.retract(text),
    });
    view.show("joined", `Joined as ${call.peerId}`);
    view.showMe(call.peerId, call.speaks, call.shows);
  } catch (error) {
    const taken = error instanceof TransportError && error.code === "PEER_ID_TAKEN";
    const reason = taken ? `somebody in the room is called ${peerId} already` : describeError(error);
    view.show("failed", `Cannot connect: ${reason}`);
  }
}

async function leave(text: string, state: "idle" | "failed" = "idle"): Promise<void> {
  const leaving = call;
  call = undefined;
  view.show(state, text);
  await leaving?.leave();
  pictures.clear();
}

async function film(): Promise<void> {
  view.camera.disabled = true;
  await call?.film(!call.films);
  view.camera.disabled = false;
  view.filming(call?.films === true);
}
