#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Crypto groups: a plan says which SLNs a group has and which keysets take turns; a campaign for the
# group takes both from it and gives nothing else. What would have one radio in two plans that do not
# go together is refused. Plans outlive SIGKILL of control and of Redis, and a backup has them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# group WORDS...: tries, keeps what was said, and prints the exit status.
group() {
	local status=0
	stack_ctl group "$@" >"$STACK_DIR/out" 2>&1 || status=$?
	echo "$status"
}

# campaign WORDS...: the same.
campaign() {
	local status=0
	stack_ctl campaign create --json "$@" >"$STACK_DIR/out" 2>&1 || status=$?
	echo "$status"
}

# Every group in one line: name, UEs, SLNs, active keyset, inactive one.
groups() {
	stack_ctl group list --json | jq -r \
		'"\(.name):\(.n_ues):\(.slns | join(",")):\(.active_keyset_id):\(.inactive_keyset_id)"' |
		paste -sd ' '
}

said() {
	grep -q -- "$1" "$STACK_DIR/out"
}

# A campaign that is waited for; then "keyset slns acked".
run_campaign() {
	stack_campaign_create "$@"
	stack_until 60 "end of the campaign" stack_campaign_is_over
	stack_campaign_get '"\(.keyset_id) \(.slns | join(",")) \(.acked)"'
}

put_group() {
	timeout 10 curl -sS --unix-socket "$STACK_DIR/api.sock" -X PUT -d "$2" \
		"http://localhost/v1/groups/$1" | jq -r '.detail // "taken"'
}

tap_plan 43
stack_init groups
STACK_UES=60
STACK_T1_MS=200
STACK_PACE=2000
STACK_ANSWER_MS=1000
STACK_BACKOFF_MS=100
STACK_SLNS=3
stack_prepare
# UEs 1 to 40 are in fire, 31 to 60 in police: ten in both.
awk -F, -v OFS=, 'NR > 1 { n = NR - 1
	$8 = n <= 30 ? "fire" : n <= 40 ? "fire;police" : "police" } { print }' \
	"$STACK_DIR/fleet.csv" >"$STACK_DIR/fleet.new"
mv "$STACK_DIR/fleet.new" "$STACK_DIR/fleet.csv"
stack_start

tap_is "a plan may be there before its UEs" "$(group set fire --slns 1,2,5)" 0
stack_import >/dev/null
stack_until 30 "attached dataplane" stack_attached
tap_is "groups are listed with their UEs, with a plan or not" "$(groups)" \
	"fire:40:1,2,5:1:2 police:30::null:null"
tap_is "a plan with an SLN of the other, for UEs that are in both, is refused" \
	"$(group set police --slns 5-7)" 1
tap_ok "by field and SLN" said 'slns: SLN 5 is in the plan of fire'
tap_is "as are other keysets" "$(group set police --slns 6,7 --active-keyset 3 --inactive-keyset 4)" 1
tap_ok "by field" said 'active_keyset_id: fire has keysets 1 and 2'
tap_is "an SLN of a KEK is no plan's" "$(put_group police '{"slns":[61441]}')" \
	"slns: SLN 61441 is not from 1 to 4095"
tap_is "nor is SLN 0" "$(put_group police '{"slns":[0]}')" "slns: SLN 0 is not from 1 to 4095"
tap_is "nor none at all" "$(put_group police '{}')" "slns: has 0 SLNs, must have 1 to 64"
tap_is "one keyset cannot be both" "$(put_group fire '{"active_keyset_id":2}')" \
	"inactive_keyset_id: 2 is the active one"
tap_is "a keyset of KEKs is no plan's" "$(put_group fire '{"inactive_keyset_id":255}')" \
	"inactive_keyset_id: 255 is not from 1 to 16"
tap_is "what is unknown is named" "$(put_group fire '{"sln":1}')" "sln: there is no such member"
tap_is "a name is one" "$(put_group 'fire%20brigade' '{"slns":[1]}' | cut -d: -f1)" name
tap_is "nothing of all that has changed anything" "$(groups)" \
	"fire:40:1,2,5:1:2 police:30::null:null"
tap_is "other SLNs go together" "$(group set police --slns 6-7)" 0
tap_is "what is not named stays" "$(group set fire --slns 1-2 && stack_ctl group show fire --json |
	jq -c '[.slns, .active_keyset_id, .version]')" "0
[[1,2],1,2]"

# A UE of the file that is in two groups whose plans do not go together.
group set rail --slns 7 >/dev/null
sed '2s/,fire,/,rail;police,/' "$STACK_DIR/fleet.csv" >"$STACK_DIR/bad.csv"
status=0
stack_ctl fleet import "$STACK_DIR/bad.csv" --allow-plain-keys >"$STACK_DIR/out" 2>&1 || status=$?
tap_is "a file that puts a UE in both is refused" "$status" 1
tap_ok "by line, column and groups" said ':2: groups: the plans of rail and police'
tap_is "a plan goes" "$(group remove rail)" 0
tap_is "once" "$(group remove rail)" 1
tap_ok "and is not there" said 'no plan of such a group'

# Campaigns by the plan.
tap_is "the first keys go into the active keyset, for the plan's SLNs" \
	"$(run_campaign --group fire)" "1 1,2 40"
tap_is "the next ones into the other" "$(run_campaign --group fire)" "2 1,2 40"
tap_is "an SLN outside of the plan is refused" "$(campaign --group fire --sln 1,6)" 1
tap_ok "by field and SLN" said 'slns: SLN 6 is not in the plan of fire'
tap_is "and a keyset" "$(campaign --group fire --keyset 3)" 1
tap_ok "by field" said 'keyset_id: 3 is none of the plan of fire'
tap_is "keys that the group speaks under are not replaced" \
	"$(campaign --group fire --sln 2 --keyset 1)" 3
tap_ok "by field, keyset and option" said 'keyset_id: 40 UEs .* keyset 1, .* replaces_active'
tap_is "unless that is said, and some of its SLNs may be asked for" \
	"$(run_campaign --group fire --sln 2 --keyset 1 --replace-active)" "1 2 40"
stack_campaign_create --group fire
stack_until 60 "end of the campaign" stack_campaign_is_over

# A changeover turns the plan, also if control dies in the middle of it.
stack_campaign_create --kind changeover --group fire --pace 25
tap_is "a changeover is from the active keyset to the other" "$(stack_campaign_get \
	'"\(.superseded_keyset_id) \(.keyset_id)"')" "1 2"
stack_until 30 "first UEs that are changed over" stack_acked_is_at_least 5
stack_kill control
stack_until 60 "answer from fleetkeyd" stack_ctl health
tap_is "until it is complete the plan stays, over a kill" "$(groups)" \
	"fire:40:1,2:1:2 police:30:6,7:1:2"
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "then its keysets have turned" "$(groups)" "fire:40:1,2:2:1 police:30:6,7:1:2"
tap_is "so that the next keys go where the old ones are" "$(run_campaign --group fire)" "1 1,2 40"

stack_kill redis
stack_kill control
stack_until 60 "answer from fleetkeyd" stack_ctl health
stack_until 30 "attached dataplane" stack_attached
tap_is "plans outlive Redis and control" "$(groups)" "fire:40:1,2:2:1 police:30:6,7:1:2"
tap_is "a plan that waits is not given an SLN that is taken out of it" "$(
	id=$(stack_ctl campaign plan --group fire --json | jq -r .id)
	group set fire --slns 2 >/dev/null
	stack_ctl campaign start "$id" >/dev/null
	stack_until 30 "word of the campaign" test "$(sleep 1; stack_ctl campaign show "$id" --json |
		jq -r .state)" = planned
	stack_ctl campaign show "$id" --json | jq -r '"\(.state) \(.halt_reason)"')" \
	"planned plan_changed"
tap_is "a group without a plan is served as before" \
	"$(group remove police) $(run_campaign --group police)" "0 1 1 30"
group set police --slns 6-7 >/dev/null

tap_ok "a backup is made" stack_ctl backup "$STACK_DIR/backup"
group remove fire >/dev/null
stack_settle
stack_stop control 10
stack_kill_hold redis
rm -rf "$STACK_DIR/redis"
mkdir "$STACK_DIR/redis"
stack_start_redis
stack_until 20 "answer from Redis" stack_redis_answers
tap_ok "and restored" timeout 60 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" \
	--restore "$STACK_DIR/backup" --skip-numbers 1000
stack_start_control
stack_until 20 "answer from fleetkeyd" stack_ctl health
tap_is "with the plans" "$(groups)" "fire:40:2:2:1 police:30:6,7:1:2"

# A record that somebody has changed in Redis is not believed.
stack_stop control 10
timeout 5 redis-cli -s "$STACK_DIR/redis.sock" eval \
	"local v = redis.call('hget', 'fk:groups', 'plans')
	redis.call('hset', 'fk:groups', 'plans', string.sub(v, 1, 10) .. '\255' .. string.sub(v, 12))" \
	0 >/dev/null
status=0
timeout 20 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" \
	>"$STACK_DIR/out" 2>&1 </dev/null || status=$?
tap_ok "a record that was changed in Redis ends the start" test "$status" -ne 0
tap_ok "and is named" said 'plans of the crypto groups'
tap_is "no number was used twice" "$(jq -c '[.message_number_reused, .malformed]' \
	"$STACK_DIR/fleetsim.json")" '[0,0]'
for name in dataplane redis; do
	stack_stop "$name" 30
done
tap_end
