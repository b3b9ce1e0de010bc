#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Closed loops through the real processes, without loss: how long a fleet takes to be acknowledged
# and durable, what that costs the core that all of ours share, and what a UE costs in memory.
#
#   bench/loop.sh [--json FILE]
#
# FLEETKEY_BENCH_UES  sizes of the fleets ("10000 100000 1000000")
# FLEETKEY_BENCH_PACE_HELD  exchanges a second of the paced campaign (120000)
# FLEETKEY_BIN        folder of the programs
# FLEETKEY_BENCH_HUGE_PAGES  false: none
#
# The worker, fleetkeyd and Redis share one CPU, fleetsim has the other (and so has this script). The
# pace is no limit, so that fleetsim is, which has more to do; a fleet of a million has one more
# campaign at a pace ("1M-paced"), which shows how much of its time either side needs then. An exchange is one KMM and its answers, six datagrams; a delivery has two of
# them, the rekey and the closing one. "steady" is taken between 10 and 90 % acknowledged. Cycles
# are CPU time of all threads, as the kernel accounts for it, at the rate of the time-stamp counter;
# of the worker it includes looking in vain for work; "worker_busy" does not, but it is by the clock, so
# that it includes what the kernel gave to others meanwhile.
# "yardstick" is what a key wrap by OpenSSL costs beside all that on the shared CPU, whose speed changes
# from run to run and within a run. So the shared core's cycles are also given slice by slice, of some
# tenths of a second: "core0_in_wraps" is the median of what a slice cost in the wraps of that slice,
# which is held against the budget in the wraps of the machine that it was set on;
# "quiet_core0" that of the cycles of those slices ("quiet_share") whose wraps cost at most 15 % more
# than the cheapest: others were disturbed. Ratios "loop_of_budget_..." are figures of a million UEs
# by what they may be: 1 or less is within the budget.
# Where this may reserve huge pages, as root, both EALs have their memory in them, and "huge_pages" is
# 1; otherwise a look through the TLB for each packet is a tenth of the shared core's cycles.
# Small fleets run several campaigns, so that their figures have a spread.
# Memory of a UE is what the processes have more of than they had with an empty fleet, by the fleet's
# size; but fleetsim has its fleet from its start, so that "fleetsim_rss" is all it has, the part that
# no UE adds to included, which tells with a small fleet.
set -euo pipefail

# shellcheck source=bench/samples.sh
. "$(dirname "${BASH_SOURCE[0]}")/samples.sh"
read_options loop "$@"
read_sizes 10000 100000 1000000
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/processor.sh
. tests/support/processor.sh

# The kernel's figure for the time-stamp counter: its log, or else the CPU's rate.
tsc_hz() {
	local mhz
	mhz=$( (dmesg 2>/dev/null || true) |
		sed -nE 's/.*tsc: (Detected|Refined TSC clocksource calibration:) ([0-9.]+) MHz.*/\2/p' |
		tail -n 1)
	[ -n "$mhz" ] || mhz=$(sed -n 's/^cpu MHz[^:]*: //p' /proc/cpuinfo | head -n 1)
	awk -v mhz="$mhz" 'BEGIN { printf "%.0f\n", mhz * 1000000 }'
}

# status_octets NAME FIELD: octets of /proc/PID/status.
status_octets() {
	awk -v field="$2:" '$1 == field { print $2 * 1024 }' "/proc/$(stack_pid "$1")/status"
}

# One line: microseconds, acked, proven, CPU ns of dataplane, control, redis, fleetsim; CPU ns and
# number of wraps.
snapshot() {
	local body line name wraps='0 0'
	body=$(curl -s --max-time 10 --unix-socket "$STACK_DIR/api.sock" \
		"http://localhost/v1/campaigns/$STACK_CAMPAIGN")
	now_us
	[[ $body =~ \"acked\":\ ?([0-9]+),\ ?\"proven\":\ ?([0-9]+) ]] || return 1
	line="$NOW_US ${BASH_REMATCH[1]} ${BASH_REMATCH[2]}"
	LOOP_PROVEN=${BASH_REMATCH[2]}
	for name in dataplane control redis fleetsim; do
		processor_of "${LOOP_PIDS[$name]}"
		line+=" $PROCESSOR_NS"
	done
	read -r wraps 2>/dev/null <"$STACK_DIR/yardstick" || true
	echo "$line ${wraps:-0 0}" >>"$STACK_DIR/snapshots"
	[[ $body =~ \"state\":\ ?\"(running|completed)\" ]]
}

declare -A LOOP_PIDS=()

LOOP_YARDSTICK_PID=

start_yardstick() {
	local program=$STACK_ROOT/build/release/bench/bench-yardstick
	[ -x "$program" ] || return 0
	setpriv --pdeathsig KILL taskset -c "$STACK_CPU_OURS" "$program" "$STACK_DIR/yardstick" &
	LOOP_YARDSTICK_PID=$!
}

# end_yardstick NAME: how it went.
end_yardstick() {
	[ -n "$LOOP_YARDSTICK_PID" ] || return 0
	kill "$LOOP_YARDSTICK_PID"
	wait "$LOOP_YARDSTICK_PID" 2>/dev/null || true
	LOOP_YARDSTICK_PID=
	put "$1/yardstick" cycles/wrap \
		"$(awk -v hz="$LOOP_TSC_HZ" '{ print $1 * hz / 1e9 / $2 }' "$STACK_DIR/yardstick")"
}

# Costs between 10 and 90 %, and of the whole: "name value" lines from the snapshots.
costs() {
	awk -v n="$1" -v hz="$2" '
		function cycles(ns, count) { return ns * hz / 1e9 / count }
		function median(a, count, i, j, v) {
			for (i = 2; i <= count; i++) {
				v = a[i]
				for (j = i - 1; j > 0 && a[j] > v; j--)
					a[j + 1] = a[j]
				a[j + 1] = v
			}
			return a[int((count + 1) / 2)]
		}
		# What one slice cost, if something was done and a wrap was made in it.
		function slice(done) {
			done = $2 + $3 - before[2] - before[3]
			if (done < n * 0.002 || $9 == before[9])
				return
			n_slices++
			core0[n_slices] = cycles($4 + $5 + $6 - before[4] - before[5] - before[6], done)
			wrap[n_slices] = cycles($8 - before[8], $9 - before[9])
			if (n_slices == 1 || wrap[n_slices] < quickest)
				quickest = wrap[n_slices]
		}
		NR == 1 { for (i = 1; i <= NF; i++) first[i] = $i }
		$2 >= n * 0.1 && !(1 in from) { for (i = 1; i <= NF; i++) from[i] = $i }
		$2 <= n * 0.9 { for (i = 1; i <= NF; i++) to[i] = $i }
		before[2] >= n * 0.1 && $2 <= n * 0.9 { slice() }
		{ for (i = 1; i <= NF; i++) before[i] = last[i] = $i }
		END {
			for (i = 1; i <= n_slices; i++) {
				ratio[i] = core0[i] / wrap[i]
				if (wrap[i] <= quickest * 1.15)
					quiet[++n_quiet] = core0[i]
			}
			if (n_slices > 0) {
				print "core0_in_wraps", median(ratio, n_slices), "wraps/exchange"
				print "quiet_core0", median(quiet, n_quiet), "cycles/exchange"
				print "quiet_share", n_quiet / n_slices, "share"
			}
			split("- - - worker control redis fleetsim", names, " ")
			done = to[2] + to[3] - from[2] - from[3]
			if (done >= n * 0.5)
				for (i = 4; i <= 7; i++)
					print "steady_" names[i], cycles(to[i] - from[i], done), \
						"cycles/exchange"
			for (i = 4; i <= 7; i++)
				print names[i], cycles(last[i] - first[i], n), "cycles/delivery"
			print "core0", cycles(last[4] + last[5] + last[6] - first[4] - first[5] - \
				first[6], n), "cycles/delivery"
			if (done >= n * 0.5)
				print "steady_core0", cycles(to[4] + to[5] + to[6] - from[4] - \
					from[5] - from[6], done), "cycles/exchange"
			print "fleetsim_busy", (last[7] - first[7]) / 1000 / (last[1] - first[1]), \
				"share"
			print "core0_busy", (last[4] + last[5] + last[6] - first[4] - first[5] - \
				first[6]) / 1000 / (last[1] - first[1]), "share"
		}' "$STACK_DIR/snapshots"
}

# The moments of the acknowledgements, from the books: microseconds a UE between 10 and 90 %.
steady_us() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		sed -n 's/.*"acked_ms": *\([0-9][0-9]*\).*/\1/p' | sort -n |
		awk -v n="$1" '
			NR == int(n * 0.1) { from = $1 }
			NR == int(n * 0.9) { to = $1 }
			END { print (to - from) * 1000 / (n * 0.8) }'
}

worker_busy_cycles() {
	stack_ctl dataplane show --json | jq .busy_cycles
}

# run_campaign UES NAME [OPTION...]: options of "campaign create".
run_campaign() {
	local n=$1 name=$2 key value unit pause=0.01 busy
	shift 2
	[ "$n" -lt 100000 ] || pause=0.1
	# A look costs the core that fleetsim has some 10 ms.
	[ "$n" -lt 1000000 ] || pause=0.25
	for key in dataplane control redis fleetsim; do
		LOOP_PIDS[$key]=$(stack_pid "$key")
	done
	: >"$STACK_DIR/snapshots"
	busy=$(worker_busy_cycles)
	start_yardstick
	# Each the same over again: the books have one key a UE.
	stack_campaign_create --keyset 1 --replace-active "$@"
	LOOP_PROVEN=0
	while [ "$LOOP_PROVEN" -lt "$n" ]; do
		snapshot || stack_fail "the campaign cannot be followed"
		stack_tend
		sleep "$pause"
	done
	end_yardstick "$name"
	stack_until 30 "end of the campaign" campaign_is_completed
	put "$name/worker_busy" cycles/delivery $((($(worker_busy_cycles) - busy) / n))
	while read -r key value unit; do
		put "$name/$key" "$unit" "$value"
	done < <(costs "$n" "$LOOP_TSC_HZ")
	put "$name/steady_time" us/UE "$(steady_us "$n")"
	for key in 50 99 99.9; do
		put "$name/seconds_to_$key" s "$(stack_campaign_get ".seconds_to[\"$key\"]")"
	done
}

campaign_is_completed() {
	[ "$(stack_campaign_get .state)" = completed ]
}

# Octets a UE, against the same processes with an empty fleet; of fleetsim of all it has.
put_memory() {
	local n=$1 name=$2 key field now
	for key in dataplane control; do
		for field in VmRSS VmLck; do
			now=$(status_octets "$key" "$field")
			put "$name/${key}_${field/VmRSS/rss}" octets/UE \
				$(((now - LOOP_EMPTY[$key$field]) / n))
		done
	done
	now=$(redis_octets)
	put "$name/redis_used_memory" octets/UE $(((now - LOOP_EMPTY[redis]) / n))
	now=$(status_octets fleetsim VmRSS)
	put "$name/fleetsim_rss" octets/UE $((now / n))
}

declare -A LOOP_EMPTY=()

remember_empty() {
	local key field
	for key in dataplane control; do
		for field in VmRSS VmLck; do
			LOOP_EMPTY[$key$field]=$(status_octets "$key" "$field")
		done
	done
	LOOP_EMPTY[redis]=$(redis_octets)
}

reset_stack() {
	local key
	for key in fleetsim control dataplane redis; do
		stack_stop "$key" 30
	done
	rm -rf "$STACK_DIR/redis" "$STACK_DIR"/*.log
	mkdir "$STACK_DIR/redis"
	STACK_RESTARTS=()
}

run_size() {
	local n=$1 name runs=5 i began
	name=$(label "$n")
	[ "$n" -le 20000 ] || runs=3
	[ "$n" -le 200000 ] || runs=1
	STACK_UES=$n
	STACK_BOUND_S=$((600 + n / 500))
	stack_say "$name: a fleet of $n UEs, $runs campaign(s)"
	reset_stack
	stack_prepare
	stack_start
	remember_empty
	now_us && began=$NOW_US
	stack_import >/dev/null
	put "$name/import" s "$(seconds_since "$began")"
	for ((i = 0; i < runs; i++)); do
		run_campaign "$n" "$name"
	done
	put_memory "$n" "$name"
	[ "$n" -lt 1000000 ] || run_campaign "$n" "$name-paced" --pace "$LOOP_PACE_HELD"
	stack_settle
	stack_books_agree || stack_fail "the books differ"
	[ "$(jq .acked "$STACK_DIR/campaign.json")" = "$n" ] || stack_fail "not all acknowledged"
	[ "${#STACK_RESTARTS[@]}" -eq 0 ] || stack_fail "a process was started again"
	stack_stop control 60
	now_us && began=$NOW_US
	stack_start_control
	stack_until 120 "answer from fleetkeyd" stack_ctl health
	put "$name/start" s "$(seconds_since "$began")"
}

stack_init loop
LOOP_TSC_HZ=$(tsc_hz)
STACK_PACE=${FLEETKEY_BENCH_PACE:-10000000}
LOOP_PACE_HELD=${FLEETKEY_BENCH_PACE_HELD:-120000}
STACK_WINDOW=${FLEETKEY_BENCH_WINDOW:-$STACK_WINDOW}
# This script polls; it must not do so where the figures are taken.
taskset -pc "$STACK_CPU_THEIRS" $$ >/dev/null
if ${FLEETKEY_BENCH_HUGE_PAGES:-true} && stack_reserve_huge_pages; then
	put huge_pages bool 1
else
	stack_say "no huge pages: memory of both EALs is in pages of 4 KiB"
	put huge_pages bool 0
fi
for size in "${sizes[@]}"; do
	run_size "$size"
done

# shellcheck disable=SC2016
report loop "$json" '
	def growth($size): $m["\($size)/steady_time"] as $big | $m["10k/steady_time"] as $small |
		if $big and $small then {("loop_growth_\($size | ascii_downcase)_vs_10k"): ($big / $small)}
		else {} end;
	def wraps($size): $m["\($size)/core0_in_wraps"] as $wraps |
		if $wraps then {("loop_core0_in_openssl_wraps_\($size | ascii_downcase)"): $wraps}
		else {} end;
	def of_budget($name; $value; $budget):
		if $value then {("loop_of_budget_" + $name): ($value / $budget)} else {} end;
	growth("100k") + growth("1M") + wraps("100k") + wraps("1M") +
	of_budget("core0"; $m["1M/steady_core0"]; 8000) +
	of_budget("core0_when_quiet"; $m["1M/quiet_core0"]; 8000) +
	of_budget("core0_in_wraps"; $m["1M/core0_in_wraps"]; 8000 / 8450) +
	of_budget("dataplane_octets"; $m["1M/dataplane_rss"]; 512) +
	of_budget("growth"; growth("1M") | to_entries[0].value; 1.15) +
	of_budget("import"; $m["1M/import"]; 20) +
	of_budget("redis_octets"; $m["1M/redis_used_memory"]; 400) +
	of_budget("seconds_to_99.9"; $m["1M/seconds_to_99.9"]; 10) +
	of_budget("seconds_to_99.9_paced"; $m["1M-paced/seconds_to_99.9"]; 10) +
	of_budget("start"; $m["1M/start"]; 5)'
