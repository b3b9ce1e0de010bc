#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Redis is made unsafe in mid-campaign, by a setting: the API says which, the log says so once, no new
# request leaves and nothing is acknowledged until it is put right, and no campaign begins meanwhile.
# Then it goes on by itself: also over a log that was switched off and is written anew.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

LOOK_MS=250 # FK_STORE_CHECK_MS

set_redis() {
	timeout 5 redis-cli -s "$STACK_DIR/redis.sock" config set "$@" >/dev/null
}

api_status() {
	timeout 20 curl -s -o "$STACK_DIR/body" -w '%{http_code}' --unix-socket "$STACK_DIR/api.sock" \
		"$@"
}

health_is_503() {
	[ "$(api_status http://localhost/v1/health)" = 503 ]
}

create_status() {
	api_status -X POST -H 'Content-Type: application/json' -d '{"kind":"rekey"}' \
		http://localhost/v1/campaigns
}

# Requests that have left so far.
sent() {
	local n=0
	while [ "$n" -eq 0 ]; do
		n=$(stack_counter tx_requests 2>/dev/null)
	done
	echo "$n"
}

says() {
	grep -c "$1" "$STACK_DIR/control.log" || true
}

# is_noticed SETTING GOOD BAD ACKED: while SETTING is BAD the campaign stands still; with GOOD it goes on
# and gets to ACKED.
is_noticed() {
	local setting=$1 good=$2 bad=$3 wanted=$4 acked before
	set_redis "$setting" "$bad"
	before=$(sent)
	tap_ok "$setting $bad: the store is lost" stack_until 2 "health 503" health_is_503
	tap_is "and the reason names it" \
		"$(jq -r .reason "$STACK_DIR/body" | grep -c "$setting is \"$bad\", must be $good")" 1
	sleep 0.5 # what was ordered before may leave
	acked=$(stack_campaign_get .acked 2>/dev/null || echo none)
	# The pace of so long, and what had been ordered: a window.
	tap_ok "no more is sent than was ordered before" test $(($(sent) - before)) -le \
		$((STACK_WINDOW + STACK_PACE * 2 * LOOK_MS / 1000))
	before=$(sent)
	sleep 1.5
	tap_is "and then no new request" "$(sent)" "$before"
	tap_is "and nothing is acknowledged" "$(stack_campaign_get .acked 2>/dev/null || echo none)" \
		"$acked"
	tap_is "the log says it once" "$(says "store lost.*$setting is")" 1
	set_redis "$setting" "$good"
	tap_ok "put right, it goes on by itself" stack_until 20 "$wanted acknowledgements" \
		stack_acked_is_at_least "$wanted"
}

tap_plan 23
stack_init unsafe
STACK_UES=600
STACK_PACE=100
STACK_WINDOW=40
STACK_T1_MS=200
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
stack_until 60 "eighty acknowledgements" stack_acked_is_at_least 80
is_noticed appendonly yes no 200
is_noticed appendfsync always everysec 320
tap_ok "the campaign completes" stack_watch 60

# No campaign is active, and Redis was looked at a moment ago: the new one looks for itself.
set_redis appendfsync everysec
tap_is "a campaign does not begin" "$(create_status)" 503
tap_ok "and the answer says why" grep -q 'appendfsync' "$STACK_DIR/body"
set_redis appendfsync always
stack_until 20 "answer from fleetkeyd" stack_ctl health >/dev/null
tap_is "nor is it there afterwards" "$(stack_ctl campaign list --json | jq '.items | length')" 1
stack_settle
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 600
tap_ok "the books agree" stack_books_agree
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_is "nothing was started again" \
	"${STACK_RESTARTS[control]:-0} ${STACK_RESTARTS[dataplane]:-0} ${STACK_RESTARTS[redis]:-0}" "0 0 0"
tap_ok "every process ends well" stack_end
tap_end
