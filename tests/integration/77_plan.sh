#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A campaign is planned before it is made: what it would send is told, and what cannot leave is
# refused or excluded with its size.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

plan() {
	stack_ctl campaign create --dry-run --json "$@" >"$STACK_DIR/plan.json"
}

get() {
	jq -r "$1" "$STACK_DIR/plan.json"
}

# The fleet file with the MCData ID of the second UE made LEN characters long.
long_uri() {
	awk -F, -v OFS=, -v len="$1" 'NR == 3 {
		$3 = "sip:u@mc.example"
		while (length($3) < len) sub(/@/, "x@", $3)
	}
	{ print }' "$STACK_DIR/fleet.csv" >"$STACK_DIR/long.csv"
}

# again OPTION VALUE: fleetkeyd starts again with another value in the section sip.
again() {
	stack_stop control 30
	sed -i "s/^  $1: .*/  $1: $2/" "$STACK_DIR/fleetkeyd.yaml"
	stack_start_control
	stack_until 60 "answer from fleetkeyd" stack_ctl health
	stack_until 60 "attached dataplane" stack_attached
}

tap_plan 16
stack_init plan
STACK_UES=50
STACK_PACE=100
stack_prepare
stack_start
stack_import >/dev/null
# The dataplane attaches anew to the new fleet; until it has, sizes are not known.
stack_until 60 "attached dataplane" stack_attached

plan
tap_is "a plan tells who is served, by how many KMMs, and how long that takes" \
	"$(get '[.n_deliveries, .n_served, .n_excluded, .n_kmms, .predicted_s] | map(tostring) | join(" ")')" \
	"50 50 0 100 1"
tap_ok "and a size within the limit" jq -e '.message_size_max <= .message_size_limit
	and .message_size_min > 1000 and .payload_size > 90' "$STACK_DIR/plan.json"
plan --no-closing --pace 10
tap_is "without the closing exchange it takes half the KMMs" \
	"$(get '"\(.n_kmms) \(.predicted_s)"')" "50 5"
tap_is "it makes no campaign" "$(stack_ctl campaign list --json | jq '.items | length')" 0
status=0
stack_ctl campaign create --dry-run --group nobody >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "an unknown group is refused" "$status $(grep -c group "$STACK_DIR/out")" "1 1"

long_uri 200
stack_ctl fleet import "$STACK_DIR/long.csv" --allow-plain-keys >/dev/null
stack_until 60 "attached dataplane" stack_attached
plan
tap_is "a UE whose URI makes the message too large is excluded" \
	"$(get '"\(.n_served) \(.reasons.too_large) \(.excluded[0].reason)"')" "49 1 too_large"
tap_ok "with its size and the limit" \
	jq -e '.excluded[0].size > .excluded[0].limit' "$STACK_DIR/plan.json"
stack_campaign_create
stack_watch 120 >/dev/null || true
tap_is "the campaign serves the others" "$(stack_campaign_get '.states.acked')" 49
tap_is "and excludes that one" "$(stack_campaign_get '.states.excluded')" 1
tap_is "for that reason" \
	"$(stack_ctl campaign report "$STACK_CAMPAIGN" --json | jq -r '.reasons.too_large')" 1
tap_is "nothing of it was ordered" "$(stack_counter order_too_large)" 0

again proxy_slack 400
status=0
stack_ctl campaign create --json >"$STACK_DIR/out" 2>/dev/null || status=$?
tap_is "a campaign of which nothing fits is refused by field" \
	"$status $(jq -r .field "$STACK_DIR/out")" "1 message_size"
tap_ok "with size and limit" jq -e '.size > .limit and .limit == 900' "$STACK_DIR/out"
tap_is "and is not made" "$(stack_ctl campaign list --json | jq '.items | length')" 1
plan
tap_is "the plan says the same" "$(get '"\(.n_served) \(.reasons.too_large)"')" "0 50"
stack_stop control 30
sed -i 's/^  proxy_slack:.*/&\n  datagram_max: 1301/' "$STACK_DIR/fleetkeyd.yaml"
tap_is "a message above 1300 octets while the path MTU is unknown is refused by field" \
	"$(timeout 20 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" 2>&1 |
		grep -c 'sip.datagram_max: 1301 .*path MTU is unknown')" 1
stack_end
tap_end
