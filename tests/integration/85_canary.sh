#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Keys that are known to the test (the root key, KEKs, protection TEKs, and the TEK of a campaign) are
# looked for wherever they must not be: after a campaign, a backup, a crash of both processes, a restart,
# a second campaign over a wire whose other end knows none of them, and a restore into another Redis. As
# octets, hex and base64. Zero hits.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

scan=$(dirname "$(readlink -f "$STACK_BIN/fleetkeyd")")/../tests/integration/key_scan
routes=(health fleet fleet/ues fleet/export currency fleet/statuses fleet/imports transport-key keys
	keys/sealing report-key campaigns campaigns/1 campaigns/1/report campaigns/1/signed-report
	campaigns/1/deliveries dataplane ../metrics)

# hits MODE WHAT...: how many; where, as diagnostics.
hits() {
	local mode=$1
	shift
	timeout 120 "$scan" "$mode" "$STACK_DIR/keys" "$@" 2>"$STACK_DIR/where" || true
	sed 's/^/# /' "$STACK_DIR/where" >&2
}

# All that lies in the folder but for what holds keys by its purpose.
our_files() {
	find "$STACK_DIR" -type f ! -name keys ! -name root.key ! -name '*fleet.csv' ! -name teks
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

# What any answer of the API says, and what is refused.
ask_everything() {
	local route
	for route in "${routes[@]}"; do
		curl -s --max-time 30 --unix-socket "$STACK_DIR/api.sock" \
			"http://localhost/v1/$route" >"$STACK_DIR/answer-${route//\//-}"
	done
	curl -s --max-time 30 --unix-socket "$STACK_DIR/api.sock" -X POST \
		--data-binary @"$STACK_DIR/bad-fleet.csv" -H 'Content-Type: text/csv' \
		"http://localhost/v1/fleet/imports?allow_plain_keys=true" >"$STACK_DIR/answer-import"
}

# The TEK of the campaign: out of one captured Rekey-Command, by OpenSSL, under that UE's KEK.
recover_tek() {
	local rsi kek wrapped
	read -r rsi wrapped < <("$STACK_BIN/fleetkey-inspect" pcap "$STACK_DIR/capture.pcap" | jq -r '
		select(.kmm.message_name == "Rekey-Command") | .kmm |
		"\(.destination_rsi) \(.body.keysets[0].keys[0].key_hex)"' | head -n 1)
	kek=$(awk -F, -v rsi="$rsi" '$5 == rsi { print $12 }' "$STACK_DIR/fleet.csv")
	perl -e 'print pack "H*", $ARGV[0]' "$wrapped" |
		openssl enc -d -id-aes256-wrap -K "$kek" -iv A6A6A6A6A6A6A6A6 |
		od -An -v -tx1 | tr -d ' \n'
	echo
}

tap_needs_root "it reads other processes' memory"
tap_plan 18
stack_init canary
ulimit -c unlimited # fleetkeyd and fleetkey-dp take no core dump all the same
STACK_UES=200
STACK_PACE=400
STACK_CAPTURE=$STACK_DIR/capture.pcap
STACK_CAPTURE_KEYS=true
# A fleet of its own: another test's fleet has other keys.
STACK_SEED=8585
stack_prepare
stack_start
{
	timeout 120 redis-cli -s "$STACK_DIR/redis.sock" monitor >"$STACK_DIR/monitor" 2>&1 || true
} &
monitor=$!
stack_import >/dev/null
sed '3s/,P25,/,TETRA,/' "$STACK_DIR/fleet.csv" >"$STACK_DIR/bad-fleet.csv"
stack_campaign_create
stack_watch 60 >/dev/null
stack_until 10 "whole capture" test -s "$STACK_DIR/capture.pcap"
recover_tek >"$STACK_DIR/teks"
{
	od -An -v -tx1 "$STACK_DIR/root.key" | tr -d ' \n'
	echo
	tail -n +2 "$STACK_DIR/fleet.csv" | cut -d, -f12
	tail -n +2 "$STACK_DIR/fleet.csv" | cut -d, -f15 | grep .
	cat "$STACK_DIR/teks"
} >"$STACK_DIR/keys"
tap_ok "the traffic key was recovered" grep -qxE '[0-9a-f]{64}' "$STACK_DIR/teks"
tap_ok "hex digits of keys are found where they stand" \
	test "$(hits files "$STACK_DIR/fleet.csv" 2>/dev/null)" -gt 200
cp "$STACK_DIR/keys" "$STACK_DIR/all-keys"
cp "$STACK_DIR/teks" "$STACK_DIR/keys"
tap_ok "and octets of the traffic key in the dataplane's memory" \
	test "$(hits now "$(stack_pid dataplane)" 2>/dev/null)" -gt 0
mv "$STACK_DIR/all-keys" "$STACK_DIR/keys"

ask_everything
tap_is "every endpoint answered" "$(find "$STACK_DIR" -name 'answer-*' -size 0 | wc -l)" 0
tap_is "no answer of the API has a key" "$(hits files "$STACK_DIR"/answer-*)" 0
tap_is "nor has the text of the metrics" "$(hits files "$STACK_DIR/answer-..-metrics")" 0

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

kill -ABRT "$(stack_pid dataplane)"
kill -SEGV "$(stack_pid control)"
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
stack_stop fleetsim 30
# The same radios, with other keys.
mv "$STACK_DIR/fleet.csv" "$STACK_DIR/our-fleet.csv"
"$STACK_BIN/fleetsim" make-fleet --ues "$STACK_UES" --seed 8586 --out "$STACK_DIR/fleet.csv" \
	>/dev/null
stack_start_fleetsim
stack_until 30 "fleetsim" test -e "$STACK_DIR/fleetsim.ready"
stack_campaign_create
answers() {
	[ "$(stack_counter rx_frames)" -gt 400 ]
}
stack_until 60 "answers of the keyless peer" answers
tap_is "the process at the other end of the wire has none" "$(hits now "$(stack_pid fleetsim)")" 0
mapfile -t others < <(other_processes)
tap_is "nor has any other process" "$(hits now "${others[@]}")" 0
tap_is "nor any file: logs, capture, books, core dumps" \
	"$(mapfile -t files < <(our_files)
	hits files "${files[@]}")" 0
tap_is "and there is no core dump" \
	"$(find . "$STACK_DIR" -maxdepth 1 -name 'core*' -newer "$STACK_DIR/root.key" -type f | wc -l)" 0
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
	"$(mapfile -t files < <(our_files)
	hits files "${files[@]}") $(hits now "$(stack_pid redis)")" "0 0"
stack_end
tap_end
