#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A next hop that is overloaded: it is left alone for as long as it says, its UEs do not pay for it and
# the others go on; and one that stays so is stopped. A share of requests with 503 is no such thing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# busy FILTER: of the fleet's word on the next hop that is overloaded.
busy() {
	jq -r ".next_hops[] | select(.name == \"nh-busy\") | $1" "$STACK_DIR/fleetsim.json"
}

# While it waits: the others are done, and what is said of it.
waits_alone() {
	stack_campaign_get '"\(.acked) \(.state) " + (.waiting_next_hops | map("\(.name) \(.reason) " +
		"\((.until | .[:19] + "Z" | fromdate) - (.since | .[:19] + "Z" | fromdate) >= 4)") |
		join(","))' >"$STACK_DIR/waits"
	grep -qx "100 running nh-busy sip_503 true" "$STACK_DIR/waits"
}

# How often the UEs behind it were sent the last KMM of each.
tries() {
	awk -F, 'NR > 1 && $6 == "nh-busy" { print $1 }' "$STACK_DIR/fleet.csv" |
		jq -rn --rawfile ues /dev/stdin --slurpfile book "$STACK_DIR/control.book" '
			($ues | split("\n") | map({(.): true}) | add) as $is |
			[$book[] | select($is[.ue_id]) | .attempts] | unique | join(",")'
}

tap_plan 18
stack_init overload
STACK_UES=200
STACK_T1_MS=100
STACK_BACKOFF_MS=300
STACK_CONGESTION_SAFE=true
STACK_ATTEMPTS=2
STACK_WINDOW=64

# For seven seconds, and five are to be waited: a try after five is too early, the next one is not.
STACK_NEXT_HOPS=("nh-busy,5062,C,503" "nh-ok,5060,C")
STACK_FLEETSIM_ARGS=(--overload 7 --retry-after 5)
stack_begin_anew
stack_campaign_create
tap_ok "the campaign runs on at the other next hop, and says which one waits, why and how long" \
	stack_until 4 "a next hop that waits" waits_alone
tap_ok "it completes when that one is there again" stack_watch 60
stack_settle
tap_is "every UE acknowledged, though each may be tried twice only" \
	"$(jq -r '"\(.state) \(.acked)"' "$STACK_DIR/campaign.json")" "completed 200"
tap_is "and nobody was charged with a try that was refused" "$(tries)" 1
tap_ok "what was open was refused, and no more than a few tries after that" \
	test "$(busy .refused)" -le 60
tap_ok "at least those that it takes were" test "$(busy .refused)" -ge 20
tap_is "nobody waits in the end" "$(jq -c .waiting_next_hops "$STACK_DIR/campaign.json")" "[]"
tap_ok "the log says that it was overloaded" grep -q 'next hop overloaded.*nh-busy.*sip_503' \
	"$STACK_DIR/control.log"
tap_ok "and when it went on" grep -q 'next hop goes on.*nh-busy' "$STACK_DIR/control.log"
tap_ok "the books agree" stack_books_agree
stack_end

# For ever.
STACK_FLEETSIM_ARGS=(--retry-after 1)
stack_begin_anew
stack_campaign_create
tap_not "stays: the campaign ends without an acknowledgement of all" stack_watch 60
tap_is "stays: it is halted when nothing else is left, with the reason" \
	"$(stack_campaign_get '"\(.state) \(.halt_reason) \(.acked)"')" "halted sip_503 100"
tap_is "stays: and says which next hop it is" "$(stack_campaign_get '.stopped_next_hops |
	map(.name + " " + .reason) | join(",")')" "nh-busy sip_503"
stack_settle
stack_ctl campaign abort "$STACK_CAMPAIGN" >/dev/null
tap_is "stays: an abort gives its UEs that reason" "$(stack_ctl campaign report "$STACK_CAMPAIGN" \
	--json | jq -r '"\(.states.aborted) \(.reasons.sip_503)"')" "100 100"
stack_end

# A share of the requests, at each UE.
STACK_NEXT_HOPS=()
STACK_FLEETSIM_ARGS=(--refuse-503 15 --retry-after 1)
STACK_ATTEMPTS=12
stack_begin_anew
: >"$STACK_DIR/control.log"
stack_campaign_create
tap_ok "a share: the campaign completes" stack_watch 60
stack_settle
tap_is "a share: every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 200
tap_not "a share: no next hop was left alone" grep -q 'next hop overloaded' "$STACK_DIR/control.log"
tap_ok "a share: every process ends well" stack_end
tap_end
