// So many at once, in the order of asking.

export interface Slots {
  /** Resolves once there is room; rejects with the signal's reason, and then holds nothing. */
  enter(signal: AbortSignal): Promise<void>;
  /** Once for each time that was entered. */
  leave(): void;
}

/** One's own place among them, which is held or not; leaving it twice is fine. */
export interface Place extends Slots {
  /** Gives it up while the work goes on, and waits for one again. Whoever is stopped does without: it ends soon. */
  aside<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
}

export function openPlace(slots: Slots): Place {
  let isHeld = false;
  const place: Place = {
    async enter(signal) {
      await slots.enter(signal);
      isHeld = true;
    },
    leave() {
      if (isHeld) slots.leave();
      isHeld = false;
    },
    async aside(work, signal) {
      place.leave();
      try {
        return await work();
      } finally {
        await place.enter(signal).catch(() => undefined);
      }
    },
  };
  return place;
}

export function openSlots(most: number): Slots {
  const line: (() => void)[] = [];
  let taken = 0;

  function stand(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const turn = () => {
        signal.removeEventListener("abort", giveUp);
        resolve();
      };
      const giveUp = () => {
        line.splice(line.indexOf(turn), 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", giveUp, { once: true });
      line.push(turn);
    });
  }

  return {
    async enter(signal) {
      signal.throwIfAborted();
      if (taken >= most) return stand(signal);
      taken += 1;
    },
    leave() {
      const next = line.shift();
      // Whoever is next takes over the place.
      if (next === undefined) taken -= 1;
      else next();
    },
  };
}
