#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A stop that reaches the dataplane while control is dead: nothing leaves from then on, well before
# the lease would end it, judged by the capture; when control is back the campaign is halted until an
# operator resumes it. The same while control lives, also with a dead store.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

stop_local() {
	stack_ctl stop --local --stop-socket "$STACK_DIR/link.sock.stop" "$@"
}

# plus INSTANT SECONDS
plus() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.6f\n", a + b }'
}

# requests FROM TO: how many requests left between the two instants, by the dataplane's clock.
requests() {
	"$STACK_BIN/fleetkey-inspect" pcap "$STACK_DIR/capture.pcap" | jq -s --arg from "$1" --arg to "$2" '
		map(select(.sip.method == "MESSAGE" and (.source | startswith("192.0.2.10:")) and
			.time_s >= $from and .time_s <= $to)) | length'
}

halted() {
	[ "$(stack_campaign_get '"\(.state) \(.halt_reason)"')" = "halted local" ]
}

resume() {
	stack_ctl campaign resume "$STACK_CAMPAIGN"
}

tap_plan 16
stack_init stop
STACK_UES=1500
STACK_PACE=150
STACK_CAPTURE=$STACK_DIR/capture.pcap
stack_prepare
stack_start
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached
tap_is "the stop socket is its owner's" "$(stat -c %a "$STACK_DIR/link.sock.stop")" 600
stack_campaign_create
stack_until 30 "acknowledgements" stack_acked_is_at_least 100
stack_kill_hold control
before=$EPOCHREALTIME
tap_ok "with control dead, the dataplane is told to stop" stop_local
after=$(plus "$EPOCHREALTIME" 0.1)
sleep 1.5 # half of the lease, which would end it too
tap_ok "requests left up to the stop" \
	test "$(requests "$(plus "$before" -1)" "$before")" -gt 0
tap_is "and none from 0.1 s after it on" "$(requests "$after" "$EPOCHREALTIME")" 0
stack_start_control
stack_until 30 "answer from fleetkeyd" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
tap_ok "control finds it when it is back" stack_until 10 "halted campaign" halted
acked=$(stack_campaign_get .acked)
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
tap_ok "it is on record" halted
tap_is "and nothing went on meanwhile" "$(stack_campaign_get .acked)" "$acked"
tap_ok "an operator resumes it" resume
tap_ok "and it goes on" stack_until 30 "more acknowledgements" stack_acked_is_at_least $((acked + 50))

tap_ok "with control alive" stop_local --json
tap_ok "the campaign is halted at once" stack_until 5 "halted campaign" halted
resume >/dev/null
stack_until 30 "more acknowledgements" stack_acked_is_at_least $((acked + 120))
stack_kill_hold redis
tap_ok "with a dead store it stops, too" stop_local
stack_start_redis
stack_until 30 "answer from Redis" stack_redis_answers
tap_ok "and that is on record when the store is back" stack_until 30 "halted campaign" halted
# control knows it before the store is back, and only then takes it back.
stack_until 30 "store that a resume stands in" resume
tap_is "a socket that is not there is named" \
	"$(stack_ctl stop --local --stop-socket "$STACK_DIR/none" 2>&1 | grep -c 'none: No such file')" 1
stack_watch 120 >/dev/null
stack_settle
tap_ok "in the end all is delivered and the books agree" stack_books_agree
tap_is "and no number was used twice" "$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
stack_end
tap_end
