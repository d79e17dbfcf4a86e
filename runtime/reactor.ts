// Wakes the reactions: hands each occurrence to every file that waits for its kind; they run side by side.
import type { Cloud } from "#shared/cloud.ts";
import type { Occurrences, Reaction } from "./define.ts";
import type { Named } from "./scan.ts";

export type Emit = <Name extends keyof Occurrences>(name: Name, event: Occurrences[Name]) => void;

export function openReactor(cloud: Cloud, reactions: readonly Named<Reaction>[]): Emit {
  return function emit(name, event) {
    for (const reaction of reactions) {
      if (reaction.definition.event === name) void react(cloud, reaction, event);
    }
  };
}

async function react(cloud: Cloud, { name, definition }: Named<Reaction>, event: unknown): Promise<void> {
  try {
    await definition.run({ cloud, event: event as never });
  } catch (error) {
    cloud.log.warn({ reaction: name, err: error }, "reaction failed");
  }
}
