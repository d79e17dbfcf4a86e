// The body of POST /instances, in the order and the words that old clients know. Every field has a pattern or a list:
// what passes here may stand in a domain's XML and in a DHCP server's files.
import { z } from "zod";
import { messageOf } from "../errors.ts";
import { isUuid } from "../find.ts";
import { parseChecksum } from "../images/checksum.ts";

const LARGEST_TEXT = 256 * 1024;
const MOST_DISKS = 24;
const MOST_NICS = 16;
const MOST_CPUS = 512;
const MOST_MIB = 16 * 1024 * 1024;
const MOST_GIB = 64 * 1024;

/** KiB. Less, libvirt and QEMU refuse; more does not fit into a guest's 32-bit window. */
const LEAST_VIDEO = 1024;
const LEAST_VIDEO_OF_BOCHS = 4096;
const MOST_VIDEO = 262_144;

const BUSES = ["virtio", "ide", "scsi", "usb"] as const;
const NIC_MODELS = ["virtio", "e1000", "e1000e", "rtl8139", "ne2k_pci", "pcnet", "vmxnet3"] as const;
const VIDEO_MODELS = ["cirrus", "vga", "virtio", "qxl", "vmvga", "bochs", "none"] as const;

/** `""` and null mean the default, as they always did. */
const orDefault = <T extends z.ZodType>(schema: T) =>
  z.preprocess((it) => (it === "" ? null : it), schema.nullish());

const wholeNumber = (name: string, lowest: number, highest: number) => {
  const error = `${name} must be a whole number from ${lowest} to ${highest}`;
  return z.int({ error }).min(lowest, { error }).max(highest, { error });
};

const numberOrDigits = (name: string, lowest: number, highest: number) =>
  z.preprocess(
    (it) => (typeof it === "string" && /^\d+$/.test(it) ? Number(it) : it),
    wholeNumber(name, lowest, highest),
  );

/** Tells what is wrong with it in the words of whoever will check it. */
function checkChecksum(text: string, context: z.RefinementCtx): void {
  try {
    parseChecksum(text);
  } catch (error) {
    context.addIssue({ code: "custom", message: `disk ${messageOf(error)}` });
  }
}

const disk = z.strictObject(
  {
    size: orDefault(numberOrDigits("disk size", 1, MOST_GIB)).describe(
      "GB; without it, as large as the base",
    ),
    base: orDefault(
      z.string({ error: "disk base is not a string" }).max(4096, { error: "disk base is too long" }),
    ).describe("An image: `cirros`, `ubuntu:20.04` or a URL"),
    bus: orDefault(z.enum(BUSES, { error: `disk bus is none of ${BUSES.join(", ")}` })),
    type: orDefault(z.enum(["disk", "cdrom"], { error: "disk type is neither disk nor cdrom" })),
    checksum: orDefault(
      z
        .string({ error: "disk checksum is not a string" })
        .max(200, { error: "disk checksum is too long" })
        .superRefine(checkChecksum),
    ).describe("What the file of the base must hash to: `sha256:<hex>`, `sha512:<hex>` or `md5:<hex>`"),
  },
  {
    error: (issue) =>
      issue.code === "invalid_type" ? "disk specification should contain JSON objects" : undefined,
  },
);

const network = z.strictObject(
  {
    network_uuid: z.string({ error: "network specification is missing network_uuid" }),
    address: orDefault(z.string({ error: "network address is not a string" })),
    macaddress: orDefault(
      z.string().regex(/^([0-9A-Fa-f][02468ACEace])(:[0-9A-Fa-f]{2}){5}$/, {
        error: "macaddress must look like 02:00:00:12:34:56",
      }),
    ),
    model: orDefault(z.enum(NIC_MODELS, { error: `network model is none of ${NIC_MODELS.join(", ")}` })),
  },
  {
    error: (issue) =>
      issue.code === "invalid_type" ? "network specification should contain JSON objects" : undefined,
  },
);

const video = z
  .strictObject({
    model: orDefault(z.enum(VIDEO_MODELS, { error: `video model is none of ${VIDEO_MODELS.join(", ")}` })),
    memory: z
      .preprocess(
        (it) => (it === 0 || it === "" ? null : it),
        numberOrDigits("video memory (KiB)", LEAST_VIDEO, MOST_VIDEO).nullish(),
      )
      .describe("KiB"),
  })
  .superRefine(({ model, memory }, context) => {
    if (model !== "bochs" || memory == null || memory >= LEAST_VIDEO_OF_BOCHS) return;
    const message = `video memory (KiB) of the model bochs must be at least ${LEAST_VIDEO_OF_BOCHS}`;
    context.addIssue({ code: "custom", message, path: ["memory"] });
  });

/** Lines may be wrapped anywhere, as `base64` and MIME wrap them. */
const base64 = z
  .string({ error: "user_data is not a string" })
  .max(LARGEST_TEXT, { error: "user_data is too long" })
  .regex(
    /^\s*(?:(?:[A-Za-z0-9+/]\s*){4})*(?:(?:[A-Za-z0-9+/]\s*){2}=\s*=\s*|(?:[A-Za-z0-9+/]\s*){3}=\s*)?$/,
    {
      error: "user_data is not base64",
    },
  );

export const instanceInput = z
  .strictObject({
    name: z
      .string({ error: "instance name must be useable as a DNS host name" })
      .regex(/^[A-Za-z0-9_-]{1,63}$/, { error: "instance name must be useable as a DNS host name" }),
    placed_on: z.string({ error: "placed_on is not a string" }).nullish(),
    disk: z
      .array(disk, { error: "instance must specify at least one disk" })
      .min(1, { error: "instance must specify at least one disk" })
      .max(MOST_DISKS, { error: `instance must not have more than ${MOST_DISKS} disks` }),
    network: z
      .array(network, { error: "network specification should contain JSON objects" })
      .max(MOST_NICS, { error: `instance must not have more than ${MOST_NICS} networks` })
      .nullish(),
    video: video.nullish(),
    namespace: z.string({ error: "namespace is not a string" }).nullish(),
    instance_uuid: z.string().refine(isUuid, { error: "instance_uuid is not a UUID" }).nullish(),
    cpus: wholeNumber("cpus", 1, MOST_CPUS),
    memory: wholeNumber("memory", 1, MOST_MIB).describe("MiB"),
    ssh_key: z
      .string({ error: "ssh_key is not a string" })
      .max(LARGEST_TEXT, { error: "ssh_key is too long" })
      .nullish(),
    user_data: base64.nullish().describe("base64"),
  })
  .superRefine(({ disk: disks }, context) => {
    for (const { size, base, checksum } of disks) {
      if (!base && size == null) refuse("a disk needs a size, a base or both");
      if (!base && checksum) refuse("a disk's checksum is that of its base: give a base, too");
    }
    function refuse(message: string): void {
      context.addIssue({ code: "custom", message });
    }
  });

export type InstanceInput = z.infer<typeof instanceInput>;
