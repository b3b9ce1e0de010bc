#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Redis behind three Sentinels, with two replicas of which one has to have a write. In one paced
# campaign the master is killed; the next one is cut off from its replicas, with writes that none of
# them has, hangs until it is replaced, and thaws. Both times fleetkeyd finds the promoted one and goes
# on within ten seconds, and in the end the books agree: nothing that was acknowledged is lost, nothing
# is used twice.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

MAX_PAUSE_MS=10000
NODES=(redis replica1 replica2)
declare -A PORTS=()

now_ms() {
	echo $((${EPOCHREALTIME/[^0-9]/} / 1000))
}

# start_replica NAME: of the first master, as the configuration of its service would say.
start_replica() {
	local name=$1
	mkdir -p "$STACK_DIR/$name"
	stack_spawn "$name" "$STACK_CPU_OURS" redis-server --port "${PORTS[$name]}" --bind 127.0.0.1 \
		--dir "$STACK_DIR/$name" --appendonly yes --appendfsync always --save '' \
		--repl-diskless-sync-delay 0 --replicaof 127.0.0.1 "${PORTS[redis]}" --daemonize no
}

# start_sentinel PORT
start_sentinel() {
	local dir=$STACK_DIR/sentinel-$1
	mkdir "$dir"
	cat >"$dir/sentinel.conf" <<-CONF
		port $1
		bind 127.0.0.1
		dir $dir
		sentinel monitor fk 127.0.0.1 ${PORTS[redis]} 2
		sentinel down-after-milliseconds fk 1000
		sentinel failover-timeout fk 3000
		sentinel parallel-syncs fk 2
	CONF
	stack_spawn "sentinel-$1" "$STACK_CPU_THEIRS" redis-sentinel "$dir/sentinel.conf"
}

# redis_at NODE COMMAND...
redis_at() {
	local port=${PORTS[$1]}
	shift
	timeout 5 redis-cli -p "$port" "$@"
}

# What a sentinel knows of the master.
known() {
	timeout 5 redis-cli -p "$1" sentinel master fk | grep -A 1 -x "$2" | tail -n 1
}

sentinels_see_all() {
	local port
	for port in "${STACK_SENTINEL_PORTS[@]}"; do
		[ "$(known "$port" num-slaves) $(known "$port" num-other-sentinels)" = "2 2" ] || return 1
	done
}

# The node that the sentinels call the master.
master() {
	local port name
	port=$(known "${STACK_SENTINEL_PORTS[0]}" port)
	for name in "${NODES[@]}"; do
		[ "${PORTS[$name]}" != "$port" ] || echo "$name"
	done
}

is_replica() {
	[ "$(redis_at "$1" role | head -n 1)" = slave ] &&
		[ "$(redis_at "$1" info replication | grep -c '^master_link_status:up')" = 1 ]
}

is_lost() {
	[ "$(curl -s -o "$STACK_DIR/body" -w '%{http_code}' --max-time 20 --unix-socket \
		"$STACK_DIR/api.sock" http://localhost/v1/health)" = 503 ]
}

holders() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r 'select(.held) | .ue_id' | LC_ALL=C sort
}

# Notes how far the campaign is. What the API cannot say now is asked again later.
ACKED=0
FELL=0
GREW_AT=0
PAUSE_MS=0
sample() {
	local acked now
	acked=$(stack_campaign_get .acked 2>/dev/null) || return 0
	[ -n "$acked" ] || return 0
	now=$(now_ms)
	[ "$acked" -ge "$ACKED" ] || FELL=$((FELL + 1))
	[ "$acked" -gt "$ACKED" ] || return 0
	[ $((now - GREW_AT)) -le "$PAUSE_MS" ] || PAUSE_MS=$((now - GREW_AT))
	ACKED=$acked
	GREW_AT=$now
}

# acks_grow_by N: samples until so many more are durable; fails after 30 s.
acks_grow_by() {
	local wanted=$((ACKED + $1)) end=$((SECONDS + 30))
	while [ "$ACKED" -lt "$wanted" ]; do
		sample
		stack_tend || return 1
		[ "$SECONDS" -lt "$end" ] || return 1
		sleep 0.1
	done
}

is_deposed() {
	[ "$(master)" != "$1" ]
}

# promotes SENTENCE OLD: fleetkeyd goes on with another master in time. The sentinel that is asked here
# may be told of it later than the one that fleetkeyd has asked.
promotes() {
	local sentence=$1 old=$2 status=0 new
	sample # what became durable before does not count
	PAUSE_MS=0
	GREW_AT=$(now_ms)
	acks_grow_by 60 || status=$?
	stack_until 10 "word of the first sentinel" is_deposed "$old" || status=$?
	new=$(master)
	tap_is "$sentence: acknowledgements go on, on another master" \
		"$status $([ "$new" != "$old" ] && stack_ctl store show --json | jq -r .redis)" \
		"0 127.0.0.1:${PORTS[$new]}"
	tap_ok "after $PAUSE_MS ms" test "$PAUSE_MS" -le "$MAX_PAUSE_MS"
	holders >"$STACK_DIR/holders.after"
	tap_is "who had acknowledged has done so still" \
		"$(LC_ALL=C comm -23 "$STACK_DIR/holders.before" "$STACK_DIR/holders.after" | wc -l)" 0
}

# All pages that a node has, as one digest.
pages_of() {
	redis_at "$1" eval_ro 'local keys, digest = redis.call("KEYS", "fk:{s*}:*"), ""
		table.sort(keys)
		for _, key in ipairs(keys) do
			digest = redis.sha1hex(digest .. key .. redis.call("GET", key))
		end
		return #keys .. " " .. digest' 0
}

tap_plan 20
stack_init sentinel
STACK_UES=1200
STACK_PACE=50
STACK_WINDOW=80
STACK_T1_MS=200
STACK_ANSWER_MS=2000
STACK_BACKOFF_MS=200
for name in "${NODES[@]}"; do
	PORTS[$name]=$(stack_free_port)
done
STACK_REDIS_PORT=${PORTS[redis]}
STACK_REDIS_ARGS=(--repl-diskless-sync-delay 0)
STACK_SENTINEL_PORTS=("$(stack_free_port)" "$(stack_free_port)" "$(stack_free_port)")
STACK_REPLICAS=1
STACK_WITNESS=$STACK_DIR/witness
stack_prepare
stack_start_control
stack_until 10 "word that it waits" grep -q 'waiting for the store.*sentinels' "$STACK_DIR/control.log"
stack_start_redis
stack_until 20 "answer from Redis" stack_redis_answers
start_replica replica1
start_replica replica2
for port in "${STACK_SENTINEL_PORTS[@]}"; do
	start_sentinel "$port"
done
stack_until 30 "sentinels that know each other and all replicas" sentinels_see_all
tap_ok "fleetkeyd waits for the sentinels, and goes on with the master that they name" \
	stack_until 30 "answer from fleetkeyd" stack_ctl health
stack_start_fleetsim
stack_until 30 "fleetsim" test -e "$STACK_DIR/fleetsim.ready"
stack_start_dataplane
stack_until 30 "attached dataplane" stack_attached
stack_import >/dev/null
stack_campaign_create --no-closing
acks_grow_by 60

holders >"$STACK_DIR/holders.before"
stack_kill_hold redis
promotes "killed" redis
# It comes back as what its configuration says: a master.
stack_start_redis
tap_ok "the killed one comes back as a replica" stack_until 20 "replica" is_replica redis

# What it wrote last no replica has, and none can get it.
hung=$(master)
sample
holders >"$STACK_DIR/holders.before"
kill -STOP "$(stack_pid control)"
for name in "${NODES[@]}"; do
	[ "$name" = "$hung" ] || kill -STOP "$(stack_pid "$name")"
done
redis_at "$hung" client kill type replica >/dev/null
kill -CONT "$(stack_pid control)"
stack_until 20 "health 503" is_lost
tap_is "without its replicas the store is lost" \
	"$(jq -r .reason "$STACK_DIR/body" | grep -c 'replicas: 0 of 1')" 1
kill -STOP "$(stack_pid "$hung")"
for name in "${NODES[@]}"; do
	[ "$name" = "$hung" ] || kill -CONT "$(stack_pid "$name")"
done
promotes "hung, with writes that nobody confirmed" "$hung"
kill -CONT "$(stack_pid "$hung")"
batches=$(redis_at "$hung" hget fk:meta batches)
tap_is "it thaws, and thinks that it is the master" "$(redis_at "$hung" role | head -n 1)" master
acks_grow_by 20
tap_is "but gets no write" "$(redis_at "$hung" hget fk:meta batches)" "$batches"
tap_ok "and becomes a replica" stack_until 20 "replica" is_replica "$hung"

tap_ok "the campaign completes" stack_watch 60
tap_is "the count of acknowledgements never fell" "$FELL" 0
tap_is "nothing had to be recovered" "$(stack_ctl store show --json | jq .recoveries)" 0
redis_at "$(master)" wait 2 2000 >/dev/null
tap_is "all three have the same pages" \
	"$(for name in "${NODES[@]}"; do pages_of "$name"; done | grep -v '^0 ' | sort | uniq -c | awk '{ print $1 }')" 3
stack_settle
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" "$STACK_UES"
tap_ok "the books agree" stack_books_agree
tap_is "no message number was used twice" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_is "fleetkeyd and fleetkey-dp went on by themselves" \
	"${STACK_RESTARTS[control]:-0} ${STACK_RESTARTS[dataplane]:-0}" "0 0"
tap_end
