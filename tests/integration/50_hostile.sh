#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Truncated, forged, replayed and foreign datagrams are counted by reason and change nothing.
# fleetsim tells how many of each kind it sent; fleetkey-dp must have counted exactly those.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# sum FILE MEMBER NAME...: the sum of numbers of one object.
sum() {
	jq --arg member "$2" '.[$member] as $o | [$ARGS.positional[] | $o[.]] | add' "$1" \
		--args "${@:3}"
}

sent() {
	sum "$STACK_DIR/fleetsim.json" hostile "$@"
}

counted() {
	sum "$STACK_DIR/dataplane.json" counters "$@"
}

# each_counted WHAT KIND COUNTER: as many were counted as were sent, and some were.
each_counted() {
	local n
	n=$(sent "$2")
	tap_is "$1: $n sent, each counted as $3" \
		"$(counted "$3") $([ "$n" -gt 0 ] && echo sent)" "$n sent"
}

tap_plan 16
stack_init hostile
STACK_UES=50
STACK_HOSTILE=all
# Long timers: a repeat would be counted, too.
STACK_T1_MS=4000
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
tap_ok "the campaign completes" stack_watch 120
sleep 1
tap_ok "the dataplane is alive" stack_alive dataplane
tap_is "and was never started again" "${STACK_RESTARTS[dataplane]:-0}" 0
stack_settle
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 50
tap_ok "the books agree" stack_books_agree
tap_is "the fleet verified every UE" "$(jq .verified "$STACK_DIR/fleetsim.json")" 50

tap_ok "2xx responses cut after each octet were among the lies" \
	test "$(sent truncated_response)" -gt 1000
n=$(sent truncated truncated_response garbage)
tap_is "truncations and garbage: $n sent, each counted as no SIP or malformed SIP" \
	"$(counted rx_not_sip rx_malformed_sip) $([ "$n" -gt 1000 ] && echo sent)" "$n sent"
each_counted "from an unknown peer" unknown_peer rx_unknown_peer
each_counted "dispositions with a forged Message ID" forged_message_id rx_notification_forged
each_counted "responses with a forged branch" forged_branch rx_response_forged
each_counted "dispositions in another's name" wrong_ue_notification rx_notification_not_that_ue
each_counted "answers in another's name" wrong_ue_answer rx_kmm_not_that_ue
each_counted "answers with a broken MAC" bad_mac rx_kmm_bad_mac
each_counted "replays of an accepted answer" replay rx_kmm_repeat
tap_ok "every process ends well" stack_end
tap_end
