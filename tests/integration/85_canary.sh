#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Keys that are known to the test (the root key, a transport key, KEKs and protection TEKs of UEs, a
# group's CKEK, and the TEK of a campaign) are looked for wherever they must not be: after campaigns, a
# backup, a crash of both processes, a restart, a campaign over a wire whose other end knows none of them,
# and a restore into another Redis. As octets, hex and base64; in the answers of every route that the API
# has, in all files that came into being meanwhile wherever files come and go, and in all memory. Zero
# hits. A core dump is not written whoever asks for one, and would have no page with a key in it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/keys.sh
. tests/support/keys.sh

scan=$(dirname "$(readlink -f "$STACK_BIN/fleetkeyd")")/../tests/integration/key_scan
# What can be asked, as the API itself has it: a route that is new is asked, too.
mapfile -t routes < <(sed -n 's/^\t{"GET", "\([^"]*\)".*/\1/p' control/api/routes.c)

# hits MODE WHAT...: how many; where, as diagnostics.
hits() {
	local mode=$1
	shift
	timeout 120 "$scan" "$mode" "$STACK_DIR/keys" "$@" 2>"$STACK_DIR/where" || true
	sed 's/^/# /' "$STACK_DIR/where" >&2
}

# All that was written since the test began wherever files come and go, but for what holds keys by its
# purpose.
files_since() {
	local -a places=(/tmp /var/tmp /dev/shm /run "${TMPDIR:-/tmp}" "$PWD" "$STACK_DIR")
	find "${places[@]}" -xdev -type f \( -newer "$STACK_DIR/root.key" -o -cnewer "$STACK_DIR/root.key" \) \
		-size +0 2>/dev/null | LC_ALL=C sort -u |
		grep -vE "^$STACK_DIR/(keys|all-keys|tek|root\.key|transport\.key|[a-z-]*fleet\.csv)\$" || true
}

# Everybody but the two that work with keys, and this shell with its children.
other_processes() {
	local pid
	for pid in /proc/[0-9]*; do
		pid=${pid#/proc/}
		case $pid in
		"$(stack_pid control)" | "$(stack_pid dataplane)" | "$$" | "$BASHPID") ;;
		*) echo "$pid" ;;
		esac
	done
}

# ask TARGET FILE: its answer.
ask() {
	[[ $(curl -s --max-time 30 --unix-socket "$STACK_DIR/api.sock" -o "$2" -w '%{http_code}' \
		"http://localhost$1") = 2* ]]
}

# ask_pages NAME TARGET: all pages of it, one file each. Fails if there is no such thing now.
ask_pages() {
	local file="$STACK_DIR/$1${2//\//-}" target=$2 cursor n=0
	while [ -n "$target" ]; do
		n=$((n + 1))
		ask "$target" "$file.$n" || return 1
		cursor=$(jq -r '.next_cursor // empty' "$file.$n" 2>/dev/null) || cursor=
		target=${cursor:+$2?cursor=$cursor}
	done
}

# ask_everything NAME: what any answer of the API says, and what is refused, as files NAME-*. Routes
# that answered for no campaign and no group are in the file 'unanswered'.
ask_everything() {
	local route id is_answered
	: >"$STACK_DIR/unanswered"
	for route in "${routes[@]}"; do
		is_answered=false
		if [[ $route = *'{id}'* ]]; then
			for ((id = 1; id <= STACK_CAMPAIGN; id++)); do
				! ask_pages "$1" "${route/\{id\}/$id}" || is_answered=true
			done
		else
			! ask_pages "$1" "${route/\{name\}/alpha}" || is_answered=true
		fi
		$is_answered || echo "$route" >>"$STACK_DIR/unanswered"
	done
	curl -s --max-time 30 --unix-socket "$STACK_DIR/api.sock" -X POST \
		--data-binary @"$STACK_DIR/bad-fleet.csv" -H 'Content-Type: text/csv' \
		"http://localhost/v1/fleet/imports?allow_plain_keys=true" >"$STACK_DIR/$1-import"
}

# UE 5 gets its own keys once more, wrapped under the transport key.
import_wrapped() {
	local -a f octets
	local i
	head -n 1 "$STACK_DIR/fleet.csv" >"$STACK_DIR/wrapped.csv"
	IFS=, read -ra f < <(sed -n 6p "$STACK_DIR/fleet.csv")
	for i in 11 14; do
		mapfile -t octets < <(fold -w2 <<<"${f[i]}")
		f[i]=$(printf '%b' "${octets[@]/#/\\x}" | openssl enc -id-aes256-wrap -iv A6A6A6A6A6A6A6A6 \
			-K "$(cat "$STACK_DIR/transport.key")" | od -An -v -tx1 | tr -d ' \n')
	done
	(
		IFS=,
		echo "${f[*]}"
	) >>"$STACK_DIR/wrapped.csv"
	stack_ctl fleet update "$STACK_DIR/wrapped.csv" --json >"$STACK_DIR/wrapped.out"
	jq -e '.n_updated == 1' "$STACK_DIR/wrapped.out"
}

campaign_ends() {
	stack_campaign_create "$@"
	stack_until 60 "end of the campaign" stack_campaign_is_over
}

# Where the kernel puts a core dump of a process that works here; nothing if it gives it to a program.
core_folder() {
	local pattern
	pattern=$(cat /proc/sys/kernel/core_pattern)
	case $pattern in
	'|'*) ;;
	/*) dirname "$pattern" ;;
	*) echo "$PWD" ;;
	esac
}

cores() {
	find "$(core_folder)" -maxdepth 1 -newer "$STACK_DIR/root.key" -type f -size +0 \
		\( -name "*core*" -o -name "*$1*" \) 2>/dev/null
}

# Another process here that dies of the same signal leaves a core dump.
others_dump() {
	local found
	(exec setpriv --pdeathsig KILL bash -c 'ulimit -c unlimited; kill -ABRT $$') || true
	mapfile -t found < <(cores bash)
	[ "${#found[@]}" -gt 0 ] && rm -f "${found[@]}"
}

core_limit() {
	awk '/^Max core file size/ { print $5 }' "/proc/$(stack_pid "$1")/limits"
}

tap_needs_root "it reads other processes' memory"
tap_plan 26
stack_init canary
ulimit -c unlimited # fleetkeyd and fleetkey-dp take no core dump all the same
STACK_UES=200
STACK_PACE=400
STACK_CAPTURE=$STACK_DIR/capture.pcap
STACK_CAPTURE_KEYS=true
# A fleet of its own: another test's fleet, and that of another run, has other keys.
STACK_SEED=$((RANDOM * 32768 + RANDOM + 2))
stack_prepare
stack_start
{
	timeout 120 redis-cli -s "$STACK_DIR/redis.sock" monitor >"$STACK_DIR/monitor" 2>&1 || true
} &
monitor=$!
stack_import >/dev/null
sed '3s/,P25,/,TETRA,/' "$STACK_DIR/fleet.csv" >"$STACK_DIR/bad-fleet.csv"
stack_ctl transport-key "$STACK_DIR/transport.key" >/dev/null
tap_ok "keys come under a transport key, too" import_wrapped
stack_ctl group set alpha --slns 1 --ckek-sln 61441 >/dev/null
campaign_ends --kind ckek --group alpha
campaign_ends
keys_delivered "$STACK_DIR/capture.pcap" >"$STACK_DIR/tek"
keys_delivered "$STACK_DIR/capture.pcap" 255 >"$STACK_DIR/ckek"
cp "$STACK_DIR/tek" "$STACK_DIR/keys"
tap_ok "the octets of the traffic key are found in the dataplane's memory" \
	test "$(hits now "$(stack_pid dataplane)" 2>/dev/null)" -gt 0
campaign_ends --group alpha --under-ckek
cp "$STACK_DIR/ckek" "$STACK_DIR/keys"
tap_ok "and so are those of the group's KEK, once keys come under it" \
	test "$(hits now "$(stack_pid dataplane)" 2>/dev/null)" -gt 0
STACK_CAMPAIGN=$(stack_ctl campaign plan --kind rekey --json | jq -r .id)
{
	keys_hex "$STACK_DIR/root.key"
	cat "$STACK_DIR/transport.key"
	keys_of_fleet
	cat "$STACK_DIR/tek" "$STACK_DIR/ckek"
} >"$STACK_DIR/keys"
tap_is "the traffic key and the group's KEK were recovered" \
	"$(cat "$STACK_DIR/tek" "$STACK_DIR/ckek" | grep -cxE '[0-9a-f]{64}')" 2
tap_is "and there are 400 of UEs, the root key and the transport key" \
	"$(grep -cxE '[0-9a-f]{64}' "$STACK_DIR/keys")" 404
tap_ok "hex digits of keys are found where they stand, too" \
	test "$(hits files "$STACK_DIR/fleet.csv" 2>/dev/null)" -gt 200
rm "$STACK_DIR/ckek"

ask_everything answers
tap_is "every route answered" "$(cat "$STACK_DIR/unanswered")" ""
tap_is "no answer of the API has a key" "$(hits files "$STACK_DIR"/answers-*)" 0

tap_ok "a backup is made" stack_ctl backup "$STACK_DIR/store.backup"
tap_is "it has no key" "$(hits files "$STACK_DIR/store.backup")" 0
tap_is "nor anything else in clear: no identity, no name of a value" \
	"$(grep -caE 'sip:|fk:|nh1' "$STACK_DIR/store.backup")" 0

redis-cli -s "$STACK_DIR/redis.sock" save >/dev/null
tap_is "Redis has none in what it heard, its log and its snapshot" \
	"$(mapfile -t files < <(find "$STACK_DIR/redis" -type f)
	hits files "$STACK_DIR/monitor" "${files[@]}")" 0
tap_ok "which it was sure to have seen" test "$(stat -c %s "$STACK_DIR/monitor")" -gt 10000
tap_is "and none in its memory" "$(hits now "$(stack_pid redis)")" 0

tap_is "neither process may dump its core" "$(core_limit control) $(core_limit dataplane)" "0 0"
if [ -n "$(core_folder)" ]; then
	tap_ok "others that die of the same signal do so here" others_dump
else
	tap_skip "others that die of the same signal do so here" "a program takes the cores"
fi
# What the import of plain keys left in the HTTP server's buffers goes with that process.
stack_stop control 30
stack_start_control
stack_until 30 "attached dataplane" stack_attached
tap_is "all pages with keys are left out of any dump" \
	"$(hits dump "$(stack_pid control)") $(hits dump "$(stack_pid dataplane)")" "0 0"
for name in control dataplane; do
	prlimit --core=unlimited:unlimited --pid "$(stack_pid "$name")" 2>/dev/null ||
		echo "# $name keeps its limit: that takes CAP_SYS_RESOURCE"
done
kill -ABRT "$(stack_pid dataplane)"
kill -SEGV "$(stack_pid control)"
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
stack_stop fleetsim 30
# The same radios, with other keys.
mv "$STACK_DIR/fleet.csv" "$STACK_DIR/our-fleet.csv"
"$STACK_BIN/fleetsim" make-fleet --ues "$STACK_UES" --seed $((STACK_SEED - 1)) \
	--out "$STACK_DIR/fleet.csv" >/dev/null
stack_start_fleetsim
stack_until 30 "fleetsim" test -e "$STACK_DIR/fleetsim.ready"
stack_campaign_create
answers() {
	[ "$(stack_counter rx_frames)" -gt 400 ]
}
stack_until 60 "answers of the keyless peer" answers
key_was_captured() {
	KEYS_FLEET=$STACK_DIR/our-fleet.csv keys_delivered "$STACK_DIR/capture.pcap" >"$STACK_DIR/tek"
	[ -s "$STACK_DIR/tek" ]
}
stack_until 10 "traffic key in the capture" key_was_captured
cat "$STACK_DIR/tek" >>"$STACK_DIR/keys"
tap_is "the traffic key of the campaign after it is another one" \
	"$(sort -u "$STACK_DIR/keys" | grep -cxE '[0-9a-f]{64}')" 405
tap_is "the process at the other end of the wire has none" "$(hits now "$(stack_pid fleetsim)")" 0
mapfile -t others < <(other_processes)
tap_is "nor has any other process" "$(hits now "${others[@]}")" 0
ask_everything again
tap_is "every route answers after the crash" "$(cat "$STACK_DIR/unanswered")" ""
tap_is "and no answer of the API has a key" "$(hits files "$STACK_DIR"/again-*)" 0
mapfile -t files < <(files_since)
echo "# ${#files[@]} files since then"
tap_is "nor has any file that came since then: logs, capture, books, core dumps, temporary files" \
	"$(hits files "${files[@]}")" 0
tap_is "and there is no core dump" \
	"$(cores fleetkey | wc -l) $(find "$STACK_DIR" -maxdepth 1 -name 'core*' | wc -l)" "0 0"
kill "$monitor" 2>/dev/null || true
wait "$monitor" 2>/dev/null || true
stack_ctl campaign abort "$STACK_CAMPAIGN" >/dev/null
stack_stop control 30
stack_kill_hold redis
rm -rf "$STACK_DIR/redis"
mkdir "$STACK_DIR/redis"
stack_start_redis
stack_until 20 "answer from Redis" stack_redis_answers
tap_ok "the backup is restored" timeout 60 "$STACK_BIN/fleetkeyd" \
	--config "$STACK_DIR/fleetkeyd.yaml" --restore "$STACK_DIR/store.backup" --skip-numbers 100
tap_is "and what was restored shows none: Redis, its files, or any other" \
	"$(mapfile -t files < <(files_since)
	hits files "${files[@]}") $(hits now "$(stack_pid redis)")" "0 0"
stack_end
tap_end
