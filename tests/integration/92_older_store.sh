#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# An older copy of Redis's files is put in place, while fleetkeyd runs and while it does not: it is
# noticed, nothing is sent, and after --recover no message number is used again, what was under way
# is aborted, and what is known of keys is unknown until the radios have been asked. A restart of the
# same Redis is none of that.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/copies.sh
. tests/support/copies.sh

UES=130

# Control is started anew when Redis is back, so nothing is restarted by itself.
stop_both() {
	stack_stop control 10
	stack_stop redis 10
}

# put_back COPY: its files in place of Redis's, which does not run.
put_back() {
	rm -rf "$STACK_DIR/redis"
	cp -a "$STACK_DIR/$1" "$STACK_DIR/redis"
}

is_refused_as_older() {
	timeout 20 curl -s --unix-socket "$STACK_DIR/api.sock" http://localhost/v1/health | grep -q 'older state'
}

tap_plan 21
stack_init older-store
STACK_UES=$UES
STACK_WITNESS=$STACK_DIR/witness
STACK_SLNS=3
STACK_T1_MS=100
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=100
STACK_PACE=600
stack_prepare
stack_start
stack_import >/dev/null
campaign_ends --sln 1 --no-closing
first=$(key)
first_campaign=$STACK_CAMPAIGN
tap_is "all hold the first key" "$(counted held "$first")" "$UES"
stop_both
cp -a "$STACK_DIR/redis" "$STACK_DIR/older"
start_redis
start_control
tap_is "the same store is gone on with" "$(store .recoveries) $(counted held "$first")" "0 $UES"
# What the copy does not know: two campaigns, the second of them under way.
campaign_ends --sln 2 --no-closing
second=$STACK_CAMPAIGN
stack_campaign_create --sln 3 --pace 20 --no-closing
lost=$STACK_CAMPAIGN
stack_until 30 "ten acknowledgements" stack_acked_is_at_least 10

# While control runs.
stack_kill_hold redis
cp -a "$STACK_DIR/redis" "$STACK_DIR/right"
put_back older
start_redis
tap_ok "an older store is noticed while fleetkeyd runs" \
	stack_until 10 "refusal of the store" is_refused_as_older
status=0
stack_ctl campaign create --sln 1 >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "and no campaign begins" "$status" 1
stack_kill_hold redis
put_back right
start_redis
tap_ok "with the right one it goes on by itself" stack_until 20 "health" stack_ctl health
tap_is "and so does the campaign" "$(stack_campaign_get .state)" running

# While it does not.
stop_both
put_back older
start_redis
before=$(cksum <"$STACK_DIR/witness")
status=0
timeout 20 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/out" 2>&1 ||
	status=$?
tap_is "a start on an older store is refused, and the reason says what to do" \
	"$status $(grep -c 'older copy.*--recover' "$STACK_DIR/out")" "1 1"
tap_is "it changes nothing in the witness" "$(cksum <"$STACK_DIR/witness")" "$before"
start_control --recover
tap_is "the recovery is on record" \
	"$(store '"\(.recoveries) \(.witness) \(.recovered_at_s > 0)"')" "1 true true"
tap_is "and in the log" "$(grep -c 'store recovered.*currency=unknown' "$STACK_DIR/control.log")" 1
tap_is "of nobody it is known any more that he holds the key" \
	"$(counted held "$first") $(counted unknown "$first")" "0 $UES"
campaign_ends --kind inventory
tap_is "an inventory says which keyset is active" \
	"$(stack_ctl holders --active-keyset 1 --json | wc -l)" "$UES"
tap_is "but not who holds which key" "$(counted held "$first") $(counted unknown "$first")" "0 $UES"
campaign_ends --kind inventory --keys-of "$first_campaign"
tap_is "one that asks after the key does" "$(counted held "$first") $(counted unknown "$first")" \
	"$UES 0"
tap_ok "no campaign has the id of one that is lost" test "$STACK_CAMPAIGN" -gt "$lost"
tap_ok "the lost ones are gone" test "$second" -lt "$lost"
for sln in 1 2 3; do
	campaign_ends --sln "$sln" --no-closing
done
tap_is "new keys reach all, with the numbers that they get" "$(stack_campaign_get .acked)" "$UES"
tap_is "and are held by all" "$(counted held "$(key)")" "$UES"

# The other history is the older one now.
stop_both
put_back right
start_redis
status=0
timeout 20 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/out" 2>&1 ||
	status=$?
tap_is "what was recovered from is refused from then on" "$status" 1
start_control --recover
tap_is "but it may be recovered, too, and its campaign is aborted" \
	"$(STACK_CAMPAIGN=$lost && stack_campaign_get .state)" aborted
STACK_CAMPAIGN=$lost
stack_settle
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
stack_end
tap_end
