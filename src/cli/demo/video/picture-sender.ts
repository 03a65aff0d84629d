// Sends pictures to all peers that take some, and leaves one out rather than let them pile up. In Node and in pages.
import type { WebRtcTransport } from "../../../browser.ts";
import { describeError } from "../../../errors/errors.ts";
import type { VideoData } from "../../../runtime/data.ts";

/** Pictures that encoders have not taken yet; beyond this they are left out. */
const MAX_UNSETTLED = 2;

/** What a {@link PictureSender} is made of. */
export interface PictureSenderOptions {
  transport: Pick<WebRtcTransport, "on" | "broadcast">;
  /** Pictures of a peer may come, and go there. */
  connected: (peerId: string) => void;
  /** Called when a picture could not be sent. */
  fail: (fault: string) => void;
}

/** See the header. */
export class PictureSender {
  readonly #options: PictureSenderOptions;
  /** Who takes pictures. */
  readonly #viewers = new Set<string>();
  #unsettled = 0;

  constructor(options: PictureSenderOptions) {
    this.#options = options;
    const { transport, connected } = options;
    transport.on("videoConnected", ({ peerId }) => {
      this.#viewers.add(peerId);
      connected(peerId);
    });
    transport.on("videoDisconnected", ({ peerId }) => this.#viewers.delete(peerId));
  }

  /** Whether a picture would go anywhere now. */
  get ready(): boolean {
    return this.#viewers.size > 0 && this.#unsettled < MAX_UNSETTLED;
  }

  /** Send a picture; it must not change any more. */
  send(picture: VideoData): void {
    const { transport, fail } = this.#options;
    this.#unsettled++;
    transport
      .broadcast(picture, { only: [...this.#viewers] })
      .then(
        ({ failedPeers }) => {
          for (const { peerId, error } of failedPeers) fail(`${peerId}: ${error.message}`);
        },
        (error: unknown) => fail(describeError(error)),
      )
      .finally(() => this.#unsettled--);
  }
}
