#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# What durable truth costs: outcomes made durable a second, and for a fleet in Redis its import,
# start, octets a UE and backup, from 10,000 UEs to 1,000,000.
#
#   bench/store.sh [--json FILE]
#
# FLEETKEY_BENCH_UES  sizes of the fleets ("10000 100000 1000000")
# FLEETKEY_BIN        folder of the programs
#
# Redis runs as the demo's does (appendonly, appendfsync always, one Unix socket) on one CPU with
# fleetkeyd; no dataplane. "start" is from the program's start to its first answer, "start_empty" the
# same without a fleet. Outcomes are measured with the fleet in place (outcomes.c): "commits_of" are
# pages as fleetkeyd writes them, all 64 outcomes of each new; "command_each" is a SET for each outcome,
# as many a transaction as 128 pages hold; "only_synced" the same octets written to a file and synced. Ratios:
# packed over a command each; Redis's share of what the disk allows; a size over the smallest.
set -euo pipefail

# shellcheck source=bench/samples.sh
. "$(dirname "${BASH_SOURCE[0]}")/samples.sh"
read_options store "$@"
read_sizes 10000 100000 1000000
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# start_control CASE: starts fleetkeyd; how long until it answers.
start_control() {
	local began
	now_us && began=$NOW_US
	stack_start_control
	stack_until 120 "answer from fleetkeyd" curl -sf --max-time 10 -o /dev/null \
		--unix-socket "$STACK_DIR/api.sock" http://localhost/v1/health
	put "$1" s "$(seconds_since "$began")"
}

run_size() {
	local n=$1 name empty began i
	name=$(label "$n")
	STACK_UES=$n
	STACK_BOUND_S=$((600 + n / 500))
	stack_say "$name: a fleet of $n UEs"
	rm -rf "$STACK_DIR/redis"
	mkdir "$STACK_DIR/redis"
	stack_prepare
	stack_start_redis
	stack_until 20 "answer from Redis" stack_redis_answers
	start_control "$name/start_empty"
	empty=$(redis_octets)

	now_us && began=$NOW_US
	stack_import >/dev/null
	put "$name/import" s "$(seconds_since "$began")"
	put "$name/octets_per_ue" octets/UE $((($(redis_octets) - empty) / n))
	now_us && began=$NOW_US
	stack_ctl backup "$STACK_DIR/backup" >/dev/null
	put "$name/backup" s "$(seconds_since "$began")"
	put "$name/backup_octets_per_ue" octets/UE $(($(stat -c %s "$STACK_DIR/backup") / n))
	rm "$STACK_DIR/backup"
	for ((i = 0; i < 3; i++)); do
		stack_stop control 60
		start_control "$name/start"
	done
	stack_stop control 60
	# Its counterpart in fleetkeyd shares a CPU with Redis, too.
	stack_run "$STACK_BOUND_S" taskset -c "$STACK_CPU_OURS" \
		"$STACK_ROOT/build/release/bench/bench-outcomes" "$STACK_DIR/redis.sock" "$n" \
		"$STACK_DIR/redis" | sed "s|\"case\": \"|&$name/|" >>"$STACK_DIR/samples"
	stack_stop redis 30
}

stack_init store
taskset -pc "$STACK_CPU_THEIRS" $$ >/dev/null
for size in "${sizes[@]}"; do
	run_size "$size"
done

# shellcheck disable=SC2016
report store "$json" '
	def over($name; $a; $b): $m[$a] as $x | $m[$b] as $y |
		if $x and $y and $y > 0 then {("store_" + $name): ($x / $y)} else {} end;
	([$results[].case | split("/")[0]] | unique | map(. as $size | ($size | ascii_downcase) as $l |
		over("packed_vs_command_each_\($l)"; "\($size)/commits_of_128_pages"; "\($size)/command_each") +
		over("share_of_disk_\($l)"; "\($size)/commits_of_128_pages"; "\($size)/only_synced_128_pages"))
	 | add) +
	over("growth_outcomes_1m_vs_10k"; "10k/commits_of_128_pages"; "1M/commits_of_128_pages") +
	over("growth_octets_per_ue_1m_vs_10k"; "1M/octets_per_ue"; "10k/octets_per_ue")'
