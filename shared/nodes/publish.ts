// Says what this node has and how it is, for placement, for `GET /nodes` and for Prometheus.
import type { Cloud } from "../cloud.ts";
import { collectMetrics } from "./metrics.ts";

/** One at a time; whoever asks while another waits is served by it. `renew`: see `PresenceKeeper.publish`. */
export function publishMetrics(cloud: Cloud, renew: () => boolean): Promise<void> {
  return cloud.mutex.join("metrics", async () => {
    const metrics = await collectMetrics(cloud, (source, why) =>
      cloud.log.debug({ source, why }, "a source of metrics could not be read"),
    );
    await cloud.presence.publish(metrics, renew());
  });
}
