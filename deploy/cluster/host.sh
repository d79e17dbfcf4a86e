#!/bin/sh
# First process of a host of a test cluster: `host.sh <disk> <name>`, in network, mount, PID and UTS namespaces of its
# own. Puts the host's disk where libvirt and the node keep their files, says "ready", and then reaps what others leave
# behind and keeps the logs short. Its end is the host's power loss.
set -eu
disk=$1
name=$2
log_limit=10485760

mount --make-rprivate /
# All of /run: locks, sockets and names of namespaces do not outlive a boot.
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/disk /run/lock /run/netns /run/libvirt /run/services
mount --bind "$disk" /run/disk
hostname "$name"
# libvirt looks its own name up, and would wait for a name server that is out of reach.
mount --bind /run/disk/hosts /etc/hosts
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null || true

if [ -d /run/disk/libvirt ]; then
  mount --bind /run/disk/storage /srv/shakenfist
  mount --bind /run/disk/libvirt/lib /var/lib/libvirt
  mount --bind /run/disk/libvirt/cache /var/cache/libvirt
  mount --bind /run/disk/libvirt/log /var/log/libvirt
  mount --bind /run/disk/libvirt/definitions /etc/libvirt/qemu
  # Cgroups of these hosts are not libvirt's to use.
  echo 'cgroup_controllers = [ ]' >/run/qemu.conf
  mount --bind /run/qemu.conf /etc/libvirt/qemu.conf
  # As udev would set it up: otherwise libvirt probes QEMU anew at each start of a guest.
  if [ -e /dev/kvm ]; then
    mknod --mode=660 /run/kvm c 10 232
    chgrp kvm /run/kvm
    mount --bind /run/kvm /dev/kvm
  fi
fi

ip link set lo up
echo ready
exec >&2

while :; do
  for log in /run/disk/logs/*.log; do
    [ "$(stat -c %s "$log")" -gt "$log_limit" ] || continue
    # Writers append, so the file can be cut short under them.
    cp "$log" "$log.1" || true
    : >"$log"
  done
  sleep 60 &
  wait "$!"
done
