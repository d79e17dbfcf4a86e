// Opens a session: a namespace's key for a token.
import { z } from "zod";
import { http } from "#runtime/define.ts";
import { login } from "#shared/namespaces/login.ts";

const required = (words: string) => z.string({ error: words }).min(1, { error: words });

export default http({
  summary: "Log in to a namespace",
  access: "anyone",
  input: z.strictObject({
    namespace: required("missing namespace in request"),
    key: z.preprocess(
      (key) => (key === null || key === "" ? undefined : key),
      z.string({
        error: ({ input }) => (input === undefined ? "missing key in request" : "key is not a string"),
      }),
    ),
  }),

  async run({ cloud, input }) {
    return { access_token: await login(cloud, input.namespace, input.key) };
  },
});
