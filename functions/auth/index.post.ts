// Opens a session: a namespace's key for a token.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { loginInput } from "#shared/namespaces/input.ts";
import { login } from "#shared/namespaces/login.ts";

export default http({
  summary: "Log in to a namespace",
  description:
    "After too many wrong keys in a minute, 429 until it is over; keys that were right before still are.",
  access: "anyone",
  input: loginInput,
  answer: z.strictObject({ access_token: z.string() }),

  async run({ cloud, input }) {
    return { access_token: await login(cloud, input.namespace, input.key) };
  },
});
