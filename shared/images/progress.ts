// How far a fetch has come, as its parts tell it: `done` of `total` bytes of a phase; null where the end is unknown.
export type Phase = "download" | "verify" | "convert";

/** May be called very often; whoever is told thins it out. */
export type Progress = (phase: Phase, done: number, total: number | null) => void;
