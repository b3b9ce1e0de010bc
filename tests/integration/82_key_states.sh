#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Keys and their states: a compromised key stops the campaign that gives it out, and its ID is not
# used again; a record that is put back in Redis from an older copy stops the start.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

key_is() {
	stack_ctl keys show "$1" --json | jq -r "[.state, .version, .sln, .keyset_id] | @csv"
}

campaign_is() {
	[ "$(stack_campaign_get .state)" = "$1" ]
}

# lua SCRIPT: runs in Redis, where binary values stay what they are.
lua() {
	timeout 10 redis-cli -s "$STACK_DIR/redis.sock" eval "$1" 0 >/dev/null
}

# start_fails SENTENCE WORD...: fleetkeyd does not start and says every WORD.
start_fails() {
	local sentence=$1 status=0 word
	shift
	timeout 30 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/out" \
		2>&1 </dev/null || status=$?
	for word in "$@"; do
		grep -qF -- "$word" "$STACK_DIR/out" || status="$status, without '$word'"
	done
	tap_is "$sentence" "$status" 1
	[ "$status" = 1 ] || sed 's/^/# /' "$STACK_DIR/out"
}

tap_plan 17
stack_init keys
STACK_WITNESS=$STACK_DIR/witness
STACK_UES=600
STACK_PACE=200
stack_prepare
stack_start
stack_import >/dev/null
stack_ctl transport-key "$STACK_DIR/transport.key" >/dev/null
lua "redis.call('hset', 'saved', 'list', redis.call('hget', 'fk:keys', 'key-versions'))"

stack_campaign_create --sln 7
stack_until 60 "first acknowledgements" stack_acked_is_at_least 10
tap_is "the keys are those that were made" \
	"$(stack_ctl keys list --json | jq -r .name | sort | tr '\n' ' ')" "tek:1:0 transport-key "
tap_is "a new TEK is active, in its place" "$(key_is tek:1:0)" '"active",1,7,1'
key_id=$(stack_ctl keys show tek:1:0 --json | jq .key_id)
lua "redis.call('hset', 'saved', 'tek', redis.call('hget', 'fk:keys', 'tek:1:0'))
	redis.call('copy', 'fk:keys', 'older')"
status=0
stack_ctl keys destroy tek:1:0 >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "a key that a campaign gives out is not destroyed" \
	"$status $(grep -c campaign "$STACK_DIR/out")" "1 1"
tap_is "a compromised one stops its campaign" \
	"$(stack_ctl keys mark-compromised tek:1:0 --json | jq -r '[.state, .aborted_campaign] | @csv')" \
	'"compromised",1'
tap_ok "for good" stack_until 10 "aborted campaign" campaign_is aborted
acked=$(stack_campaign_get .acked)
tap_ok "and before everybody had it" test "$acked" -lt "$STACK_UES"
stack_kill control
stack_until 30 "answer from fleetkeyd" stack_ctl health
tap_is "it stays compromised after a kill" "$(key_is tek:1:0)" '"compromised",2,7,1'
tap_is "and its campaign aborted" "$(stack_campaign_get .state)" aborted
status=0
stack_ctl keys deactivate tek:1:0 >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "a key does not go back" "$status $(grep -c compromised "$STACK_DIR/out")" "1 1"

stack_campaign_create --sln 7
stack_watch 120 >/dev/null
tap_ok "the next key has another key ID" \
	test "$(stack_ctl keys show tek:2:0 --json | jq .key_id)" -ne "$key_id"
tap_is "a compromised key can be destroyed" \
	"$(stack_ctl keys destroy tek:1:0 --json | jq -r .state)" destroyed
stack_settle
tap_is "everybody holds the new one" "$(jq -s 'map(select(.held)) | length' "$STACK_DIR/control.book")" \
	"$STACK_UES"
tap_is "nothing of it shows a key" \
	"$(stack_ctl keys list | grep -ciE '[0-9a-f]{20}' || true)" 0

stack_stop dataplane 30
stack_stop control 30
lua "redis.call('hset', 'saved', 'now', redis.call('hget', 'fk:keys', 'tek:1:0'))
	redis.call('hset', 'fk:keys', 'tek:1:0', redis.call('hget', 'saved', 'tek'))"
start_fails "a key that is put back from an older copy stops the start" \
	"key tek:1:0: is version 1, must be 3"
lua "redis.call('hset', 'fk:keys', 'tek:1:0', redis.call('hget', 'saved', 'now'))
	redis.call('hset', 'saved', 'list2', redis.call('hget', 'fk:keys', 'key-versions'))
	redis.call('hset', 'fk:keys', 'key-versions', redis.call('hget', 'saved', 'list'))"
start_fails "and so does the list of keys" "it was put back"
lua "redis.call('hset', 'fk:keys', 'key-versions', redis.call('hget', 'saved', 'list2'))
	redis.call('rename', 'fk:keys', 'newer')
	redis.call('copy', 'older', 'fk:keys')"
start_fails "all keys put back with their list stop it, too: the witness has seen more" \
	"were put back from an older copy"
lua "redis.call('del', 'fk:keys')
	redis.call('rename', 'newer', 'fk:keys')"
stack_start_control
tap_ok "as it was, the store is taken" stack_until 30 "answer from fleetkeyd" stack_ctl health
stack_end
tap_end
