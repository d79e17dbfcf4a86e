#!/bin/sh
# Runs a program inside a host, where its process is known by a name: `service.sh <name> <program> [argument…]`.
set -eu
echo "$$" >"/run/services/$1.new"
mv "/run/services/$1.new" "/run/services/$1"
shift
exec "$@"
