#!/bin/sh
# What tests need beside Python: installed where that is allowed (root on Debian). `tools.sh left-out` names what is missing.
set -eu

missing() {
	for tool in chromium redis-server apertium cc; do
		command -v "$tool" >/dev/null || printf '%s ' "$tool"
	done
}

if [ "${1:-}" = left-out ]; then
	left=$(missing)
	[ -z "$left" ] || echo "left out: what needs ${left}- not installed here, and only root on Debian may install it"
	exit 0
fi
[ -n "$(missing)" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
	export DEBIAN_FRONTEND=noninteractive
	apt-get update -qq || exit 0
	apt-get install -qq -y --no-install-recommends \
		chromium redis-server apertium apertium-eng-spa gcc libc6-dev >/dev/null || exit 0
fi
