#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Redis is killed in the middle of a campaign and stays away for some seconds: the API says so, and
# the campaign finishes when it is back.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

api_status() {
	timeout 20 curl -s -o "$STACK_DIR/body" -w '%{http_code}' --unix-socket "$STACK_DIR/api.sock" \
		"$@"
}

health_is_503() {
	[ "$(api_status http://localhost/v1/health)" = 503 ]
}

health_is_200() {
	[ "$(api_status http://localhost/v1/health)" = 200 ]
}

create_status() {
	api_status -X POST -H 'Content-Type: application/json' -d '{"kind":"rekey"}' \
		http://localhost/v1/campaigns
}

n_campaigns() {
	stack_ctl campaign list --json | jq '.items | length'
}

tap_plan 16
stack_init kill-redis
STACK_UES=400
STACK_PACE=100
STACK_T1_MS=200
STACK_ANSWER_MS=2000
STACK_BACKOFF_MS=200
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
stack_until 60 "hundred acknowledgements" stack_acked_is_at_least 100
acked=$(stack_campaign_get .acked)
tap_is "it is killed in mid-campaign" "$([ "$acked" -lt 350 ] && echo yes)" yes
stack_kill_hold redis
tap_ok "the API's health is 503 while Redis is away" stack_until 10 "health 503" health_is_503
sleep 2
stack_start_redis
tap_ok "the campaign completes when Redis is back" stack_watch 180
stack_settle
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 400
tap_ok "the books agree" stack_books_agree
tap_is "the fleet verified every UE" "$(jq .verified "$STACK_DIR/fleetsim.json")" 400
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_is "fleetkeyd went on by itself" "${STACK_RESTARTS[control]:-0}" 0
tap_is "fleetkey-dp went on by itself" "${STACK_RESTARTS[dataplane]:-0}" 0
# No campaign is active now, so nothing but the store stands in the way of another.
stack_kill_hold redis
tap_is "with no active campaign another one is refused with 503" "$(create_status)" 503
tap_ok "and the API's health is 503" health_is_503
stack_start_redis
tap_ok "Redis comes back" stack_until 30 "health 200" health_is_200
tap_is "and the refused campaign is nowhere" "$(n_campaigns)" 1
tap_is "one is accepted now" "$(create_status)" 201
tap_ok "and can be aborted" stack_ctl campaign abort "$(jq .id "$STACK_DIR/body")"
tap_ok "every process ends well" stack_end
tap_end
