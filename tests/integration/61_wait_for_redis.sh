#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fleetkeyd waits at its start for a Redis that is not there yet, or hangs: it says so once, serves
# nothing meanwhile, ends at once when it is told to, and gives up with the reason in the end. A Redis
# that is there and not safe is not waited for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

now_ms() {
	echo $((${EPOCHREALTIME/[^0-9]/} / 1000))
}

waits() {
	grep -q 'waiting for the store' "$STACK_DIR/control.log"
}

begin() {
	rm -f "$STACK_DIR/control.log"
	stack_start_control
}

# Sets ENDED_MS to how long fleetkeyd took to end by SIGTERM.
end() {
	local began
	began=$(now_ms)
	stack_stop control 10
	ENDED_MS=$(($(now_ms) - began))
}

# Sets TOOK_MS.
run_to_its_end() {
	local began status=0
	began=$(now_ms)
	timeout 30 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/out" 2>&1 ||
		status=$?
	TOOK_MS=$(($(now_ms) - began))
	STATUS=$status
}

# It waits for Redis to answer, and cannot be healthy before.
hangs() {
	waits && ! stack_ctl health
}

tap_plan 16
stack_init wait-for-redis
STACK_UES=1
stack_prepare
begin
tap_ok "without Redis it waits" stack_until 10 "word that it waits" waits
tap_is "and names what it waits for" \
	"$(grep -c "waiting for the store.*wait_s=30.*$STACK_DIR/redis.sock" "$STACK_DIR/control.log")" 1
tap_is "and is not healthy" "$(stack_status stack_ctl health)" 1
end
tap_is "SIGTERM ends it in order" "$STACK_STATUS" 0
tap_ok "and at once, in $ENDED_MS ms" test "$ENDED_MS" -lt 1000

begin
stack_until 10 "word that it waits" waits
sleep 1
stack_start_redis
tap_ok "it goes on when Redis is there" stack_until 20 "answer from fleetkeyd" stack_ctl health
tap_is "and has said once that it waits" "$(grep -c 'waiting for the store' "$STACK_DIR/control.log")" 1
end

kill -STOP "$(stack_pid redis)"
begin
tap_ok "a Redis that hangs is waited for, too" stack_until 10 "word that it waits" hangs
kill -CONT "$(stack_pid redis)"
tap_ok "and it goes on when that goes on" stack_until 20 "answer from fleetkeyd" stack_ctl health
end

# It answers while it reads its files, but with LOADING.
timeout 5 redis-cli -s "$STACK_DIR/redis.sock" eval \
	'for i = 1, 20000 do redis.call("SET", "filler:" .. i, i) end' 0 >/dev/null
stack_stop redis 10
STACK_REDIS_ARGS=(--key-load-delay 200)
stack_start_redis
stack_until 10 "socket of Redis" test -S "$STACK_DIR/redis.sock"
begin
tap_ok "a Redis that reads its files is waited for" stack_until 10 "word that it waits" hangs
tap_is "with its own word for it" "$(grep -c 'waiting for the store.*LOADING' "$STACK_DIR/control.log")" 1
tap_ok "and it goes on when they are read" stack_until 20 "answer from fleetkeyd" stack_ctl health
end

timeout 5 redis-cli -s "$STACK_DIR/redis.sock" config set appendfsync everysec >/dev/null
run_to_its_end
tap_is "a Redis that is not safe is refused" "$STATUS $(grep -c 'appendfsync' "$STACK_DIR/out")" "1 1"
tap_ok "and not waited for: it took $TOOK_MS ms" test "$TOOK_MS" -lt 2000

stack_stop redis 10
STACK_WAIT_S=2
stack_config >"$STACK_DIR/fleetkeyd.yaml"
run_to_its_end
tap_is "when its time is over it ends with the reason" \
	"$STATUS $(grep -c "not started.*redis.sock.*waited for 2 s" "$STACK_DIR/out")" "1 1"
tap_ok "after $TOOK_MS ms" test "$TOOK_MS" -ge 2000 -a "$TOOK_MS" -lt 5000
tap_end
