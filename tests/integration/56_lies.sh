#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A hundred thousand forged, replayed and cross-UE acknowledgements beside the true ones: none is
# accepted, and the KMF has counted each under its reason, number by number.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

fleet() {
	jq -r "$1" "$STACK_DIR/fleetsim.json"
}

counted() {
	jq --arg name "$1" '.counters[$name]' "$STACK_DIR/dataplane.json"
}

# expected COUNTER TRAIT...: lies of that reason, false names of it, and what the traits add to it.
# None is lost or sent twice here, and all but the replays go ahead of the true answer: each is judged
# while its delivery is open, so it can end in no other counter.
expected() {
	local name=$1
	shift
	jq --arg name "$name" '.lies.counters[$name] + (.traits.forged_member.counters[$name] // 0) +
		([.traits[$ARGS.positional[]].events] | add // 0)' \
		"$STACK_DIR/fleetsim.json" --args "$@"
}

every_kind_was_told() {
	fleet '.lies.kinds | to_entries[] | select(.value == 0) | .key' >"$STACK_DIR/untold"
	! grep . "$STACK_DIR/untold"
}

false_names_were_both() {
	jq -e '.traits.forged_member | .events == (.counters | add) and all(.counters[]; . > 0)' \
		"$STACK_DIR/fleetsim.json"
}

tap_plan 18
stack_init lies
STACK_UES=1000
STACK_SEED=3
# Long timers: a repeat would be counted, too. Paced, so that no ring overflows.
STACK_T1_MS=4000
STACK_PACE=250
STACK_FLEETSIM_ARGS=(--lies 100000 --bad-mac 10 --replay 10 --forged-member 10)
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
tap_ok "the campaign completes" stack_watch 60
sleep 1
stack_settle
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 1000
tap_is "exactly two answers of each were accepted" "$(counted rx_acks)" 2000
tap_ok "the books agree" stack_books_agree
tap_is "the fleet verified every UE" "$(fleet .verified)" 1000
tap_is "groups agree" "$(fleet .groups_agree)" true
tap_is "so many lies were told" "$(fleet .lies.sent)" 100000
tap_ok "and some of each kind" every_kind_was_told
for reason in rx_kmm_wrong_key rx_kmm_unauthenticated rx_kmm_unknown_rsi rx_kmm_not_for_us; do
	tap_is "$reason counts its lies" "$(counted "$reason")" "$(expected "$reason")"
done
tap_is "rx_kmm_repeat counts the replays" "$(counted rx_kmm_repeat)" \
	"$(expected rx_kmm_repeat replay)"
# A member in another's name fails by its MAC key or, where the group shares it, by who calls.
tap_is "rx_kmm_bad_mac counts broken MACs, forgeries and false names under their own key" \
	"$(counted rx_kmm_bad_mac)" "$(expected rx_kmm_bad_mac bad_mac)"
tap_is "rx_kmm_not_that_ue counts the callers who are another" \
	"$(counted rx_kmm_not_that_ue)" "$(expected rx_kmm_not_that_ue)"
tap_ok "members gave a false name both ways" false_names_were_both
tap_is "nothing was left for other reasons" \
	"$(jq '.counters | .rx_kmm_malformed + .rx_kmm_unexpected + .rx_kmm_bad_number +
		.rx_kmm_wrong_keys + .rx_kmm_protected + .rx_malformed_sip + .rx_not_sip' \
		"$STACK_DIR/dataplane.json")" 0
tap_ok "every process ends well" stack_end
tap_end
