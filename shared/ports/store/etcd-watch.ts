// One watch of etcd over the whole site, on a stream of its own, with a way to ask whether the stream still lives.
import { CloudError } from "../../errors.ts";
import type { RawEvent, Watch, WatchEvents } from "./backend.ts";

interface WatchRequest {
  create_request?: { key: Buffer; range_end: Buffer; start_revision: number };
  progress_request?: Record<string, never>;
}

interface WatchResponse {
  created: boolean;
  canceled: boolean;
  cancel_reason: string;
  compact_revision: string;
  events: { type: string | number; kv: { key: Buffer; value: Buffer; mod_revision: string } }[];
}

/** The part of a gRPC stream that a watch uses. */
export interface WatchStream {
  write(request: WatchRequest): void;
  end(): void;
  cancel(): void;
  on(event: "data", listener: (response: WatchResponse) => void): unknown;
  on(event: "error", listener: (error: Error) => void): unknown;
  on(event: "end", listener: () => void): unknown;
}

export interface WatchOptions {
  key: Buffer;
  range_end: Buffer;
  from: number;
  deadline_ms: number;
  nameOf(key: Buffer): string;
  /** Asked together with the stream itself by `check`: a member without a quorum still answers on its streams. */
  alive(): Promise<unknown>;
}

/** Resolves when etcd has confirmed the watch. */
export async function watchStream(
  stream: WatchStream,
  options: WatchOptions,
  events: WatchEvents,
): Promise<Watch> {
  const watch = new EtcdWatch(stream, options, events);
  try {
    const { key, range_end, from } = options;
    await watch.ask({ create_request: { key, range_end, start_revision: from } });
    return watch;
  } catch (error) {
    watch.close();
    throw error;
  }
}

class EtcdWatch implements Watch {
  readonly #stream: WatchStream;
  readonly #options: WatchOptions;
  readonly #events: WatchEvents;
  readonly #heard = new Set<(error?: unknown) => void>();
  #ended: unknown;

  constructor(stream: WatchStream, options: WatchOptions, events: WatchEvents) {
    this.#stream = stream;
    this.#options = options;
    this.#events = events;
    stream.on("data", (response) => this.#take(response));
    stream.on("error", (error) => this.#lose(error));
    stream.on("end", () => this.#lose(new Error("the watch stream ended")));
  }

  async check(): Promise<void> {
    // etcd answers a progress request on the same stream since 3.4. Its revision is not used: 3.4.23 may give one
    // whose events it has not sent yet.
    await Promise.all([this.ask({ progress_request: {} }), this.#options.alive()]);
  }

  close(): void {
    this.#ended ??= new Error("closed");
    this.#hear(this.#ended);
    // In this order: etcd3 takes the error of a stream that is still writable for a failure of the host.
    this.#stream.end();
    this.#stream.cancel();
  }

  /** Sends, and resolves with the next thing heard. */
  ask(request: WatchRequest): Promise<void> {
    return new Promise((resolve, reject) => {
      const answer = (error?: unknown) => {
        clearTimeout(timer);
        this.#heard.delete(answer);
        if (error === undefined) resolve();
        else reject(error);
      };
      const timer = setTimeout(() => answer(silence(this.#options.deadline_ms)), this.#options.deadline_ms);
      this.#heard.add(answer);
      if (this.#ended !== undefined) answer(this.#ended);
      else this.#stream.write(request);
    });
  }

  #take(response: WatchResponse): void {
    if (this.#ended !== undefined) return;
    if (response.canceled) {
      const why = response.cancel_reason || `compacted up to revision ${response.compact_revision}`;
      this.#lose(new Error(`etcd ended the watch: ${why}`));
      return;
    }
    if (response.events.length > 0) {
      this.#events.changed(response.events.map((event) => rawEvent(event, this.#options.nameOf)));
    }
    this.#hear();
  }

  #lose(error: Error): void {
    if (this.#ended !== undefined) return;
    this.#ended = error;
    this.#hear(error);
    this.#events.lost(error);
  }

  #hear(error?: unknown): void {
    for (const answer of [...this.#heard]) answer(error);
  }
}

function rawEvent({ type, kv }: WatchResponse["events"][number], nameOf: (key: Buffer) => string): RawEvent {
  const deleted = type === "DELETE" || type === "Delete" || type === 1;
  return {
    key: nameOf(kv.key),
    text: deleted ? undefined : kv.value.toString(),
    revision: Number(kv.mod_revision),
  };
}

function silence(ms: number): CloudError {
  return new CloudError("unavailable", `store: the watch did not answer within ${ms} ms`);
}
