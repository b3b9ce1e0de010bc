#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A configuration, root key or Redis that is not safe stops the start and says what is wrong.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# start_fails SENTENCE STATUS WORD...: fleetkeyd ends with STATUS and says every WORD.
start_fails() {
	local sentence=$1 wanted=$2 status=0 word
	shift 2
	timeout 30 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/bad.yaml" >"$STACK_DIR/out" 2>&1 \
		</dev/null || status=$?
	for word in "$@"; do
		grep -qF -- "$word" "$STACK_DIR/out" || status="$status, without '$word'"
	done
	tap_is "$sentence" "$status" "$wanted"
	[ "$status" = "$wanted" ] || sed 's/^/# /' "$STACK_DIR/out"
}

# edit SED-SCRIPT: bad.yaml is the good one with a change.
edit() {
	sed -E "$1" "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/bad.yaml"
}

tap_plan 16
stack_init config
STACK_UES=1
stack_prepare
stack_start_redis
stack_until 20 "answer from Redis" stack_redis_answers

edit ''
tap_ok "the configuration itself is good" timeout 30 "$STACK_BIN/fleetkeyd" \
	--config "$STACK_DIR/bad.yaml" --check
edit 's/^  window: .*/&\n  windov: 3/'
start_fails "an unknown option is named" 2 windov
edit 's/^  pace_per_s: .*/  pace_per_s: 0/'
start_fails "a value below the range is named with the range" 2 campaign.pace_per_s 0 10000000
edit 's/^  t1_ms: .*/  t1_ms: 10001/'
start_fails "a value above the range is named with the range" 2 sip.t1_ms 10001 10000
edit 's/^  pace_per_s: .*/  pace_per_s: fast/'
start_fails "a value of the wrong type is named" 2 pace_per_s
edit '/^  pace_per_s:/d'
start_fails "a pace is mandatory" 2 campaign.pace_per_s
edit '/^  redis_socket:/d; s/^store:/store: {}/'
start_fails "the store's socket is mandatory" 2 redis_socket
edit 's/^    address: .*/    address: 192.0.2.300/'
start_fails "a next hop's address must be one" 2 address 192.0.2.300
edit 's/^    profile: .*/    profile: D/'
start_fails "a next hop's profile must be known" 2 profile
printf 'a: [\n' >"$STACK_DIR/bad.yaml"
start_fails "what is no YAML is refused" 2 bad.yaml
edit "s,root.key,none.key,"
start_fails "a root key that is not there is named" 2 none.key
edit ''
chmod 0644 "$STACK_DIR/root.key"
start_fails "a root key that others may read is refused" 2 root.key 0600
chmod 0600 "$STACK_DIR/root.key"
head -c 31 /dev/urandom >"$STACK_DIR/root.key"
start_fails "a root key of 31 octets is refused" 2 root.key 32
head -c 32 /dev/urandom >"$STACK_DIR/root.key"
timeout 5 redis-cli -s "$STACK_DIR/redis.sock" config set appendfsync everysec >/dev/null
start_fails "a Redis that does not sync every write is refused" 1 appendfsync always
timeout 5 redis-cli -s "$STACK_DIR/redis.sock" config set appendfsync always >/dev/null
timeout 5 redis-cli -s "$STACK_DIR/redis.sock" config set maxmemory 100mb >/dev/null
timeout 5 redis-cli -s "$STACK_DIR/redis.sock" config set maxmemory-policy allkeys-lru >/dev/null
start_fails "a Redis that may evict is refused" 1 maxmemory-policy noeviction
stack_stop redis 10
edit 's/^  redis_socket: .*/&\n  wait_s: 0/'
start_fails "a Redis that is not there is named" 1 redis.sock
tap_end
