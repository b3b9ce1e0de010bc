#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A write counts as durable only when a replica has it: without one fleetkeyd does not start, and when
# it is cut off in mid-campaign nothing is acknowledged and nothing new is sent until it is back. What
# was acknowledged is then on the replica, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

start_replica() {
	mkdir -p "$STACK_DIR/replica"
	stack_spawn replica "$STACK_CPU_OURS" redis-server --port 0 \
		--unixsocket "$STACK_DIR/replica.sock" --unixsocketperm 700 \
		--dir "$STACK_DIR/replica" --appendonly yes --appendfsync always --save '' \
		--repl-diskless-sync-delay 0 --replicaof 127.0.0.1 "$STACK_REDIS_PORT" --daemonize no
}

has_replica() {
	[ "$(redis-cli -s "$STACK_DIR/redis.sock" wait 1 100)" = 1 ]
}

is_lost() {
	[ "$(curl -s -o "$STACK_DIR/body" -w '%{http_code}' --max-time 20 --unix-socket \
		"$STACK_DIR/api.sock" http://localhost/v1/health)" = 503 ]
}

# Requests that have left so far.
sent() {
	local n=0
	while [ "$n" -eq 0 ]; do
		n=$(stack_counter tx_requests 2>/dev/null)
	done
	echo "$n"
}

# The ledger that a Redis has, a line a page.
ledger_of() {
	local key
	for key in $(redis-cli -s "$1" --scan --pattern 'fk:{s*}:ledger:*' | LC_ALL=C sort); do
		echo "$key $(redis-cli -s "$1" dump "$key" | sha256sum)"
	done
}

tap_plan 11
stack_init replica
STACK_UES=600
STACK_PACE=100
STACK_WINDOW=40
STACK_T1_MS=200
STACK_REDIS_PORT=$(stack_free_port)
STACK_REPLICAS=1
STACK_WAIT_S=1
stack_prepare
stack_start_redis
stack_until 20 "answer from Redis" stack_redis_answers
status=0
timeout 20 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/out" 2>&1 ||
	status=$?
tap_is "without its replica fleetkeyd waits, and then does not start" "$status" 1
tap_ok "and says what is missing" grep -q 'replicas: 0 of 1 had the write' "$STACK_DIR/out"
start_replica
stack_until 20 "replica" has_replica
stack_start_control
stack_until 30 "answer from fleetkeyd" stack_ctl health
stack_start_fleetsim
stack_until 30 "fleetsim" test -e "$STACK_DIR/fleetsim.ready"
stack_start_dataplane
stack_until 30 "attached dataplane" stack_attached
tap_ok "with it a fleet is imported" stack_import
stack_until 30 "attached dataplane" stack_attached
stack_campaign_create
stack_until 60 "hundred acknowledgements" stack_acked_is_at_least 100

# It hangs: the connection stays, nothing is confirmed.
kill -STOP "$(stack_pid replica)"
tap_ok "when the replica hangs the store is lost" stack_until 20 "health 503" is_lost
tap_is "with the reason" "$(jq -r .reason "$STACK_DIR/body" | grep -c 'replicas: 0 of 1')" 1
acked=$(stack_campaign_get .acked 2>/dev/null || echo none)
sent=$(sent)
sleep 2
tap_is "nothing more is acknowledged" "$(stack_campaign_get .acked 2>/dev/null || echo none)" "$acked"
# What was ordered before is durable on both, and may leave: a window of deliveries.
tap_ok "and no more is sent than was ordered before" test $(($(sent) - sent)) -le "$STACK_WINDOW"
kill -CONT "$(stack_pid replica)"
tap_ok "it goes on when the replica does" stack_until 60 "more acknowledgements" \
	stack_acked_is_at_least 200

stack_watch 120 >/dev/null
tap_is "both have the same ledger in the end" "$(ledger_of "$STACK_DIR/replica.sock" | sha256sum)" \
	"$(ledger_of "$STACK_DIR/redis.sock" | sha256sum)"
stack_settle
tap_ok "and the books agree" stack_books_agree
tap_is "and no number was used twice" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
stack_stop replica 10
stack_end
tap_end
