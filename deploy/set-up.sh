#!/bin/bash
# Readies a bare Debian machine with Node 20 for a node: packages, npm modules, the CLI, /dev/kvm. Safe to repeat: does
# only what is missing, a line for each thing done. Says what to do when it cannot go on.
# `--tests`, `--bench`, `--guest`: what these need too.
set -euo pipefail

packages=(
  libvirt-daemon-system libvirt-clients libvirt-daemon-driver-qemu qemu-system-x86 qemu-utils
  libvirt-dev pkg-config g++ make python3
  dnsmasq-base iproute2 nftables kmod procps util-linux iputils-ping
  genisoimage xz-utils bzip2 zstd etcd-server etcd-client
  busybox-static cpio dosfstools mtools syslinux
)
test_packages=(chromium openssl)
bench_packages=(wrk curl)
guest_packages=(mmdebstrap syslinux-common openssh-client)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
output=$(mktemp)
trap 'rm -f "$output"' EXIT

say() { printf 'set-up: %s\n' "$*"; }
refuse() {
  printf 'set-up: %s\n' "$*" >&2
  exit 1
}

# Runs a program in silence; its last lines are shown when it fails. The set-up's lock is not for it to keep.
quietly() {
  "$@" >"$output" 2>&1 9<&- && return
  tail -n 15 "$output" >&2
  return 1
}

check_machine() {
  [ "$(id -u)" = 0 ] || refuse "needs root, to install packages and make networks: sudo npm start"
  local ID='' VERSION_ID=''
  [ ! -r /etc/os-release ] || . /etc/os-release
  [ "$ID" = debian ] && [ "${VERSION_ID:-99}" -ge 12 ] ||
    refuse "needs Debian 12 or newer, this is ${PRETTY_NAME:-something else}; elsewhere install the packages that this script lists, and npm ci"
  [ "$(uname -m)" = x86_64 ] || refuse "needs an x86-64 machine, this is $(uname -m)"
  command -v npm >/dev/null || refuse "needs Node 20 with npm; found no npm"
  local version major minor
  version=$(node --version)
  IFS=. read -r major minor _ <<<"${version#v}"
  # The copy of uWebSockets.js that the server runs on has binaries for Node 20 and not for newer ones.
  [ "$major" = 20 ] && [ "$minor" -ge 11 ] || refuse "needs Node 20 (20.11 or newer), this is $version"
}

missing_packages() {
  # dpkg-query fails for those it never heard of, and answers for the rest.
  installed() { dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${packages[@]}" 2>/dev/null || true; }
  comm -23 <(printf '%s\n' "${packages[@]}" | sort -u) <(installed | sed -n 's/^installed //p' | sort -u)
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  [ "${#missing[@]}" -gt 0 ] || return 0
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  quietly timeout 300 apt-get -o DPkg::Lock::Timeout=120 update -q ||
    refuse "apt-get update failed: see above; check the network and /etc/apt"
  quietly timeout 900 apt-get -o DPkg::Lock::Timeout=120 install -qy --no-install-recommends "${missing[@]}" ||
    refuse "apt-get install failed: see above"
  # Debian starts the etcd it installs. It would hold the port of the one that the quick start runs.
  if [ -d /run/systemd/system ] && [[ " ${missing[*]} " == *" etcd-server "* ]]; then
    quietly systemctl disable --now etcd || true
  fi
}

install_modules() {
  local mark=node_modules/.package-lock.json
  [ ! -e "$mark" ] || [ package-lock.json -nt "$mark" ] || return 0
  say "installing npm modules"
  quietly timeout 900 npm ci --include=dev --no-audit --no-fund || refuse "npm ci failed: see above; then run it again"
  touch "$mark"
}

build_programs() {
  local stamp=dist/.built
  [ ! -e "$stamp" ] ||
    [ -n "$(find cli functions runtime shared deploy/build*.ts package.json -newer "$stamp" -print -quit)" ] || return 0
  say "building sf-client and sf-node"
  quietly timeout 120 node --import tsx deploy/build.ts || refuse "the build failed: see above"
}

# Where no udev sets this, libvirt finds KVM as root but not as libvirt-qemu, and probes QEMU anew at each start: 56 s.
mend_kvm() {
  [ -c /dev/kvm ] && getent group kvm >/dev/null || return 0
  [ "$(stat -c '%G %a' /dev/kvm)" = 'kvm 660' ] || [ "$(stat -c '%A' /dev/kvm | cut -c 8-9)" = rw ] || {
    say "giving /dev/kvm to group kvm"
    chgrp kvm /dev/kvm
    chmod 660 /dev/kvm
  }
}

check_machine
[ "${1-}" != --tests ] || packages+=("${test_packages[@]}")
[ "${1-}" != --bench ] || packages+=("${bench_packages[@]}")
[ "${1-}" != --guest ] || packages+=("${guest_packages[@]}")
cd "$root"
exec 9<"$root"
flock -w 900 9 || refuse "another set-up has been at work here for 15 minutes: end it first"
install_packages
install_modules
build_programs
mend_kvm
say ready
