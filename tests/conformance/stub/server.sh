#!/bin/sh
# Stands in for the program where TestServer itself is tested. $5 is the data directory; $6 the kubeconfig of the server
# to pretend to be, without which it fails.
echo "$@" >&2
[ -n "$6" ] || exit 3
mkdir -p "$5" && cp "$6" "$5/admin.kubeconfig"
exec sleep 600
