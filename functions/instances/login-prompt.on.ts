// Notes each login prompt on a guest's console: what users and tests wait for.
import { on } from "#runtime/define.ts";

const PROMPT = / login: /g;

export default on({
  summary: "Notice login prompts",
  event: "console",

  run({ cloud, event: { uuid, before, text } }) {
    for (const { index, 0: found } of (before + text).matchAll(PROMPT)) {
      // One that ended in what was already read has been noted then.
      if (index + found.length <= before.length) continue;
      cloud.events.record("instance", uuid, { operation: "trigger", phase: null, message: "login prompt" });
    }
  },
});
