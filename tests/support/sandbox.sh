#!/bin/sh
# First process of a test's own host: it has network, mount and PID namespaces of its own, private directories where
# libvirt and the node keep their state, and it reaps whatever its guests leave behind.
set -eu
mount --make-rprivate /
for directory in /run/libvirt /run/netns /var/lib/libvirt /var/cache/libvirt /var/log/libvirt /etc/sf /srv/shakenfist; do
  mkdir -p "$directory"
  # Larger than memory: what is promised to guests counts, and little of it is written.
  mount -t tmpfs -o size=64g tmpfs "$directory"
done
mount -t sysfs sysfs /sys
for hierarchy in /sys/fs/cgroup; do mount -t cgroup2 cgroup2 "$hierarchy" 2>/dev/null || true; done
ip link set lo up
"$@" &
wait "$!"
