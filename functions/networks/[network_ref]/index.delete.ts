// Deletes a network that nothing is on.
import { http } from "#runtime/define.ts";
import { awaitNetworkState } from "#shared/networks/await.ts";
import { beginDeletion } from "#shared/networks/delete.ts";
import { theNetworkOrFloating } from "#shared/networks/floating.ts";

export default http({
  summary: "Delete a network",
  description: "Answers once the network node has removed everything, or after API_ASYNC_WAIT seconds.",
  access: "namespace",
  find: theNetworkOrFloating,

  async run({ cloud, found: { value: network } }) {
    await beginDeletion(cloud, network.uuid);
    await awaitNetworkState(cloud, network.uuid, ["deleted", "error"]);
    return null;
  },
});
