# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# samples.sh - what the benches that run real processes share: their options, sizes of fleets, samples,
# the report. Samples stand in $STACK_DIR/samples, one a line.

# read_options BENCH [--json FILE]: sets 'json', absolute or empty.
read_options() {
	json=
	if [ "${2:-}" = --json ] && [ $# -eq 3 ]; then
		json=$3
	elif [ $# -ne 1 ]; then
		echo "usage: bench/$1.sh [--json FILE]" >&2
		exit 2
	fi
	case "$json" in
	'' | /*) ;;
	*) json=$PWD/$json ;;
	esac
}

# read_sizes SIZE...: sets 'sizes' from FLEETKEY_BENCH_UES, else to these.
read_sizes() {
	local size
	read -ra sizes <<<"${FLEETKEY_BENCH_UES:-$*}"
	for size in "${sizes[@]}"; do
		[[ $size =~ ^[1-9][0-9]{2,6}$ ]] || {
			echo "bench: FLEETKEY_BENCH_UES: '$size' is no number from 100 to 9999999" >&2
			exit 2
		}
	done
}

label() {
	case "$1" in
	*000000) echo "$((${1} / 1000000))M" ;;
	*000) echo "$(($1 / 1000))k" ;;
	*) echo "$1" ;;
	esac
}

now_us() {
	NOW_US=${EPOCHREALTIME/[^0-9]/}
}

seconds_since() {
	now_us
	awk -v us=$((NOW_US - $1)) 'BEGIN { printf "%.3f\n", us / 1e6 }'
}

redis_octets() {
	redis-cli -s "$STACK_DIR/redis.sock" info memory | tr -d '\r' | sed -n 's/^used_memory://p'
}

# put CASE UNIT VALUE: one sample.
put() {
	jq -nc --arg case "$1" --arg unit "$2" --argjson value "$3" \
		'{case: $case, unit: $unit, value: $value}' >>"$STACK_DIR/samples"
}

# report BENCH JSON RATIOS: prints medians, and ratios, a jq expression over $m (case -> median); writes
# both to the file JSON unless that is empty.
report() {
	jq -s --arg bench "$1" '
		def at(q): sort | .[((length - 1) * q | round)];
		map(select(.value != null)) | group_by(.case) | map({
			bench: $bench, case: .[0].case, unit: .[0].unit, runs: length,
			median: (map(.value) | at(0.5)), p5: (map(.value) | at(0.05)),
			p99: (map(.value) | at(0.99))
		}) as $results |
		($results | map({key: .case, value: .median}) | from_entries) as $m |
		{schema: 1, command: "bench/\($bench).sh", results: $results,
		 ratios: ('"$3"')}' "$STACK_DIR/samples" >"$STACK_DIR/report.json"
	[ -s "$STACK_DIR/report.json" ] || stack_fail "the report is empty"
	jq -r '(.results[] | "\(.case)\t\(.median * 1000 | round / 1000)\t\(.unit)\t\(.runs)"),
		(.ratios | to_entries[] | "\(.key)\t\(.value * 1000 | round / 1000)\tx\t1")' \
		"$STACK_DIR/report.json" | column -t -s $'\t'
	[ -z "$2" ] || cp "$STACK_DIR/report.json" "$2"
}
