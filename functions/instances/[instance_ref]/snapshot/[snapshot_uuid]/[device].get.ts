// The file of one disk of a snapshot, or the part of it that a Range header asks for. It never changes.
import { http, Streamed } from "#runtime/define.ts";
import { byteRange, readRange } from "#shared/byte-range.ts";
import { findFile, nodeOf, theSnapshotFile } from "#shared/instances/snapshot-find.ts";

export default http({
  summary: "Download a disk of a snapshot",
  description: "A qcow2 file that needs no other. With a Range header of one range, that part of it (206).",
  access: "namespace",
  find: theSnapshotFile,
  node: nodeOf,

  async run({ cloud, found: { instance, snapshot, device }, range }) {
    const { uuid } = snapshot.value;
    const { path, size } = await findFile(cloud, uuid, device);
    const part = byteRange(range, size);
    const { first, last } = part ?? { first: 0, last: size - 1 };
    return new Streamed("application/octet-stream", (signal) => readRange(path, { first, last }, signal), {
      status: part === undefined ? 200 : 206,
      headers: {
        "Accept-Ranges": "bytes",
        "Content-Length": String(last - first + 1),
        "Content-Disposition": `attachment; filename="${instance.name}-${device}-${uuid}.qcow2"`,
        ETag: `"${uuid}-${device}"`,
        ...(part === undefined ? {} : { "Content-Range": `bytes ${first}-${last}/${size}` }),
      },
    });
  },
  answer: Streamed,
});
