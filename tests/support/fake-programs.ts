// The programs that a fake cloud runs, as far as files follow from them.
import { writeFile } from "node:fs/promises";
import type { FakeExec } from "#shared/ports/exec/fake.ts";

/** The programs that make files make them, empty. */
export function scriptPrograms(exec: FakeExec): void {
  exec.script("genisoimage", async ({ args }) => {
    await writeFile(args[args.indexOf("-o") + 1] ?? "", "");
    return {};
  });
  exec.script("qemu-img", async ({ args }) => {
    if (args[0] === "create") await writeFile(args.at(-2) ?? "", "");
    if (args[0] === "convert") await writeFile(args.at(-1) ?? "", "");
    return {};
  });
}
