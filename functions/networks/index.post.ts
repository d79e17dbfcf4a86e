// Creates a network and waits for the network node to deploy it.
import { http } from "#runtime/define.ts";
import { Network } from "#shared/api/schemas.ts";
import { awaitNetworkState } from "#shared/networks/await.ts";
import { createNetwork } from "#shared/networks/create.ts";
import { networkInput } from "#shared/networks/input.ts";
import { viewNetwork } from "#shared/networks/view.ts";

export default http({
  summary: "Create a network",
  description:
    "Answers once it is usable or in error, or after API_ASYNC_WAIT seconds with the state so far.",
  access: "namespace",
  input: networkInput,

  async run({ cloud, caller, input }) {
    const made = await createNetwork(cloud, caller, input);
    return (await awaitNetworkState(cloud, made.uuid, ["created", "deleted", "error"])) ?? made;
  },
  view: viewNetwork,
  answer: Network,
});
