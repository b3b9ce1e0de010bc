#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Loss, delay, repeats and reordering both ways, UEs that are away, refused or lied about:
# whoever can be reached gets the key, whoever cannot is named with the reason, and both
# sides' books agree UE by UE. All of it follows from one seed.
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

# Control's last word on each UE it could not reach, and the fleet's, in the same words.
refusals_agree() {
	jq -r 'select(.state != "acked") | "\(.ue_id) \(.state) \(.reason)"' \
		"$STACK_DIR/control.book" | LC_ALL=C sort >"$STACK_DIR/refused.control"
	jq -r '"\(.ue_id) refused " + ({"404": "sip_404", "status": "kmm_status_05",
		"number": "kmm_status_07"}[.reason])' "$STACK_DIR/fleetsim.refusals" |
		LC_ALL=C sort >"$STACK_DIR/refused.fleet"
	diff "$STACK_DIR/refused.control" "$STACK_DIR/refused.fleet"
}

is_positive() {
	[ "$1" -gt 0 ]
}

tap_plan 39
stack_init weather
STACK_UES=400
STACK_SEED=11
STACK_LOSS=2
STACK_T1_MS=100
STACK_ANSWER_MS=1000
STACK_BACKOFF_MS=100
STACK_ATTEMPTS=10
STACK_FLEETSIM_ARGS=(--loss-rx 4 --repeat 5 --reorder 5 --delay-ms "15,10"
	--refuse-404 3 --refuse-480 10 --refuse-503 5 --retry-after 1
	--offline 10 --offline-back 2 --status-percent 4:0x05 --small-window 2
	--bad-mac 10 --replay 10 --forged-member 10)
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
# Some UEs refuse the key, so the watch does not end well.
stack_watch 60 >/dev/null || true
stack_settle
acked=$(jq .acked "$STACK_DIR/campaign.json")
refused=$(fleet .refused.ues)
tap_is "the campaign completes" "$(jq -r .state "$STACK_DIR/campaign.json")" completed
tap_is "every UE ends acknowledged or refused" "$((acked + refused))" 400
tap_ok "control names the same refused UEs as the fleet, for the same reasons" refusals_agree
tap_is "the seed decides who is not known, refuses by status and has a small window" \
	"$(fleet '.traits | "\(.refuse_404.ues) \(.status.ues) \(.small_window.ues)"')" \
	"$(fleet '.refused | "\(.["404"]) \(.status) \(.number)"')"
tap_ok "the books agree" stack_books_agree
tap_is "the fleet verified every UE that holds the key" "$(fleet .verified)" "$acked"
tap_is "nobody else holds it" "$(fleet .holding)" "$acked"
tap_is "no message number was used twice" "$(fleet .message_number_reused)" 0
tap_is "nothing was malformed" "$(fleet .malformed)" 0
tap_is "groups agree" "$(fleet .groups_agree)" true
for what in lost repeated overtaken delayed; do
	tap_ok "from the KMF datagrams were $what" is_positive "$(fleet ".datagrams.${what}_rx")"
	tap_ok "to the KMF datagrams were $what" is_positive "$(fleet ".datagrams.${what}_tx")"
done
tap_is "nothing was held back for lack of room" "$(fleet .datagrams.not_held)" 0
for trait in refuse_404 refuse_480 refuse_503 offline bad_mac replay forged_member status \
	small_window; do
	tap_ok "trait $trait showed" is_positive "$(fleet ".traits.$trait.events")"
done
tap_is "the shares are about those asked for" \
	"$(fleet '.traits | [.bad_mac, .replay, .forged_member] | all(.ues > 20 and .ues < 60)')" \
	true
tap_ok "the KMF counted broken MACs" is_positive "$(counted rx_kmm_bad_mac)"
tap_ok "the KMF counted members in another's name" is_positive "$(counted rx_kmm_not_that_ue)"
tap_ok "the KMF counted replays" is_positive "$(counted rx_kmm_repeat)"
tap_ok "attempts without an answer were sent again" is_positive "$(counted answer_timeout)"
tap_is "both processes lived through it" \
	"${STACK_RESTARTS[dataplane]:-0} ${STACK_RESTARTS[control]:-0}" "0 0"
tap_ok "every process ends well" stack_end

# One way may be worse than the other.
STACK_UES=100
STACK_LOSS=0
STACK_FLEETSIM_ARGS=(--repeat-rx 20 --reorder-tx 20 --delay-ms-tx "5,5")
stack_begin_anew
stack_campaign_create
stack_watch 60 >/dev/null
stack_settle
tap_is "with one-sided weather every UE ends acknowledged" "$(stack_campaign_get .acked)" 100
tap_is "repeats are on the way from the KMF alone, overtaking and delay on the other" \
	"$(fleet '[.datagrams | .repeated_rx, .overtaken_tx, .delayed_tx, .repeated_tx, .overtaken_rx,
		.delayed_rx] | map(. > 0) | join(" ")')" "true true true false false false"
tap_ok "the books agree" stack_books_agree
tap_ok "every process ends well" stack_end
tap_end
