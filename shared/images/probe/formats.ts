// What can be told of an image by its header.

/** Of disks, ISO 9660 images, and what is packed. */
export type ImageFormat = "qcow2" | "raw" | "iso" | "vmdk" | "vdi" | "vhdx" | "vpc";
export type Packing = "gzip" | "xz" | "bzip2" | "zstd";

export interface Limits {
  readonly max_virtual_bytes: number;
}

export interface Probed {
  readonly format: ImageFormat;
  /** As the header says; some tools and QEMU differ about VHDs, so it is absent there. */
  readonly virtual_size_bytes?: number;
  /** Nothing in it but the disk's content: usable as it is if guests can read the format. */
  readonly plain: boolean;
}
