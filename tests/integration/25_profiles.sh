#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Campaigns over carrier profiles A, B and C, and over several next hops at once. fleetsim is strict
# about what each profile must and must not carry; a capture shows how many MESSAGEs were open.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

fleet() {
	jq -r "$1" "$STACK_DIR/fleetsim.json"
}

# next_hop NAME FILTER: of the fleet's word on one next hop.
next_hop() {
	jq -r --arg name "$1" ".next_hops[] | select(.name == \$name) | $2" "$STACK_DIR/fleetsim.json"
}

# plan_of NAME FILTER: of the plan's word on one next hop.
plan_of() {
	jq -r --arg name "$1" ".next_hops[] | select(.name == \$name) | $2" "$STACK_DIR/plan.json"
}

# The state of the UEs behind a next hop, each once: "acked", "acked,waiting", ...
states_of() {
	awk -F, -v hop="$1" 'NR > 1 && $6 == hop { print $1 }' "$STACK_DIR/fleet.csv" |
		jq -rn --rawfile ues /dev/stdin --slurpfile book "$STACK_DIR/control.book" '
			($ues | split("\n") | map({(.): true}) | add) as $is |
			[$book[] | select($is[.ue_id]) | .state] | unique | join(",")'
}

# ok_books WHAT: both sides' books agree and nothing was reused.
ok_books() {
	tap_ok "$1: the books agree" stack_books_agree
	tap_is "$1: nothing was malformed, no number reused" \
		"$(fleet '"\(.malformed) \(.message_number_reused)"')" "0 0"
}

# The most MESSAGEs to a port that waited for their final response at one time.
most_open() {
	"$STACK_BIN/fleetkey-inspect" pcap "$STACK_CAPTURE" | jq -n \
		--arg port "$(stack_address server):$1" '
		reduce inputs as $d ({open: {}, most: 0};
			if $d.sip.method == "MESSAGE" and $d.destination == $port then
				.open[$d.sip.via_branch] = true |
				.most = ([.most, (.open | length)] | max)
			elif ($d.sip.status // 0) >= 200 and $d.source == $port then
				del(.open[$d.sip.via_branch])
			else . end) | .most'
}

tap_plan 31
stack_init profiles
STACK_T1_MS=100
STACK_BACKOFF_MS=200

# A, as a client that may have many open, with losses.
STACK_PROFILE=A
STACK_CONGESTION_SAFE=true
STACK_UES=200
STACK_LOSS=5
stack_begin_anew
stack_campaign_create
tap_ok "A: a campaign completes with 5 % loss" stack_watch 60
stack_settle
tap_is "A: every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 200
tap_is "A: the fleet verified every UE" "$(fleet .verified)" 200
ok_books A
stack_end

# B, one at a time: the way to its Request-URI is not known to be congestion-safe.
STACK_PROFILE=B
STACK_CONGESTION_SAFE=false
STACK_UES=60
STACK_LOSS=0
stack_begin_anew
stack_ctl campaign create --dry-run --json >"$STACK_DIR/plan.json"
tap_is "B: the plan says that one at a time is enforced, and what it takes" \
	"$(plan_of nh1 '"\(.profile) \(.one_at_a_time) \(.predicted_s)"')" "B true 12"
tap_is "B: and predicts that for the campaign" "$(jq .predicted_s "$STACK_DIR/plan.json")" 12
stack_campaign_create
tap_ok "B: a campaign completes" stack_watch 60
stack_settle
tap_is "B: every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 60
ok_books B
stack_end

# Three next hops with a profile each, some way off.
STACK_NEXT_HOPS=("nh-a,5060,A" "nh-b,5062,B" "nh-c,5064,C")
STACK_FLEETSIM_ARGS=(--delay-ms 10)
STACK_CAPTURE=$STACK_DIR/mix.pcap
STACK_UES=120
stack_begin_anew
stack_ctl campaign create --dry-run --json >"$STACK_DIR/plan.json"
tap_is "mix: the plan tells profile and limits of each next hop" "$(jq -r '
	[.next_hops[] | "\(.name) \(.profile) \(.n_served) \(.one_at_a_time)"] | join(", ")' \
	"$STACK_DIR/plan.json")" "nh-a A 40 true, nh-b B 40 true, nh-c C 40 false"
tap_ok "mix: each with its own size, within the limit" jq -e '
	([.next_hops[].message_size_max] | unique | length == 3) and
	all(.next_hops[]; .message_size_max <= .message_size_limit)' "$STACK_DIR/plan.json"
stack_campaign_create
tap_ok "mix: a campaign completes" stack_watch 60
stack_settle
tap_is "mix: every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 120
ok_books mix
tap_is "mix: each server had its own UEs" \
	"$(next_hop nh-a .accepted) $(next_hop nh-b .accepted) $(next_hop nh-c .accepted)" "80 80 80"
tap_ok "mix: requests were put off for that" test "$(jq '.counters.defer_next_hop' \
	"$STACK_DIR/dataplane.json")" -gt 0
stack_end
tap_is "mix: never more than one MESSAGE was open to A" "$(most_open 5060)" 1
tap_is "mix: nor to B" "$(most_open 5062)" 1
tap_ok "mix: but to C, where each UE has its own Request-URI" test "$(most_open 5064)" -gt 1

# One refuses everybody, one is dead, one works.
STACK_NEXT_HOPS=("nh-401,5060,A,401" "nh-dead,5062,C,dead" "nh-c,5064,C")
STACK_FLEETSIM_ARGS=()
STACK_CAPTURE=
STACK_T1_MS=20
STACK_ATTEMPTS=2
stack_begin_anew
stack_campaign_create
tap_not "bad: the campaign ends without an acknowledgement of all" stack_watch 60
tap_is "bad: it is halted when nothing else is left, with the reason" \
	"$(stack_campaign_get '"\(.state) \(.halt_reason)"')" "halted sip_401"
tap_is "bad: and says which next hop it is" "$(stack_campaign_get '.stopped_next_hops | map(.name +
	" " + .reason) | join(",")')" "nh-401 sip_401"
stack_settle
tap_is "bad: UEs behind the next hop that works are acknowledged" "$(states_of nh-c)" acked
tap_is "bad: those behind the dead one are unreachable" "$(states_of nh-dead)" unreachable
tap_not "bad: those behind the one that refuses wait" \
	grep -qE 'acked|partial|refused|unreachable|excluded|aborted' <<<"$(states_of nh-401)"
ok_books bad
stack_ctl campaign abort "$STACK_CAMPAIGN" >/dev/null
tap_is "bad: an abort gives them that reason" "$(stack_ctl campaign report "$STACK_CAMPAIGN" --json |
	jq -r '"\(.states.aborted) \(.reasons.sip_401)"')" "40 40"
stack_end
tap_end
