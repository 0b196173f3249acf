#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Make sure that the packages named in the given lists are installed: do
# nothing when they are, install them when root, else print the command that
# does and fail.  Usage: setup.sh LIST...
set -eu

want=$(cat "$@" | sed 's/#.*//' | tr -s ' \t\n' '   ')

command -v dpkg-query >/dev/null 2>&1 || {
	echo "setup: no dpkg here; Tenon needs the equivalent of:$want" >&2
	exit 0
}

missing=
for p in $want; do
	# A line an architecture; half-installed is not installed.
	dpkg-query -W -f '${db:Status-Status}\n' "$p" 2>/dev/null |
		grep -qx installed || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

install="apt-get install -y --no-install-recommends$missing"
if [ "$(id -u)" != 0 ]; then
	echo "setup: these packages are missing; please run:" >&2
	echo "  sudo apt-get update && sudo $install" >&2
	exit 1
fi
echo "setup: installing$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
$install -qq -o Dpkg::Use-Pty=0
