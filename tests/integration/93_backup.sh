#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A backup is made in the middle of a campaign. Redis is lost with all that came after; what is no whole
# backup of ours changes nothing; the backup is restored into an empty Redis, with a witness and
# without one. No message number and no key ID is used again, also at a radio that was not in the fleet
# when the backup was made; what was under way is aborted, and what became unknown is counted until
# the radios have new keys.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/copies.sh
. tests/support/copies.sh

UES=130
THERE=$((UES - 1))

key_id() {
	stack_campaign_get '.key_ids[0]'
}

n_keys_in_redis() {
	timeout 5 redis-cli -s "$STACK_DIR/redis.sock" dbsize
}

# All that Redis has is lost.
lose_redis() {
	stack_stop control 10
	stack_kill_hold redis
	rm -rf "$STACK_DIR/redis"
	mkdir "$STACK_DIR/redis"
	start_redis
}

# restore FILE [OPTION...]: its status; what it says is in 'out'.
restore() {
	local status=0
	timeout 60 "$STACK_BIN/fleetkeyd" --config "${CONFIG:-$STACK_DIR/fleetkeyd.yaml}" \
		--restore "$@" >"$STACK_DIR/out" 2>&1 </dev/null || status=$?
	echo "$status"
}

# refused SENTENCE WORDS FILE [OPTION...]: it fails, says so, and leaves Redis empty.
refused() {
	local sentence=$1 words=$2 status
	shift 2
	status=$(restore "$@")
	grep -qF -- "$words" "$STACK_DIR/out" || status="$status, without '$words'"
	tap_is "$sentence" "$status, $(n_keys_in_redis) keys" "${EXPECTED:-1}, 0 keys"
	[ "$status" = "${EXPECTED:-1}" ] || sed 's/^/# /' "$STACK_DIR/out"
}

tap_plan 39
stack_init backup
backup=$STACK_DIR/backup
STACK_UES=$UES
STACK_WITNESS=$STACK_DIR/witness
STACK_SLNS=4
STACK_T1_MS=100
STACK_ANSWER_MS=500
STACK_BACKOFF_MS=100
STACK_PACE=600
stack_prepare
stack_start
stack_import >/dev/null
campaign_ends --sln 1 --no-closing
first=$(key)
# One radio is away when the backup is made.
sed -n '1s/,.*//p;2s/,.*//p' "$STACK_DIR/fleet.csv" >"$STACK_DIR/away.csv"
stack_ctl fleet update "$STACK_DIR/away.csv" --remove >/dev/null
stack_campaign_create --sln 2 --pace 20 --no-closing
under_way=$STACK_CAMPAIGN
frozen() {
	stack_ctl campaign report 1 --signed | jq -r 'select(.end) | .end.frozen_sha512'
}
account=$(frozen)
stack_until 30 "ten acknowledgements" stack_acked_is_at_least 10

tap_ok "a backup is made while a campaign runs" stack_ctl backup "$backup"
tap_is "it is a file for its owner alone" "$(stat -c '%a %F' "$backup")" "600 regular file"
tap_is "nothing else is left beside it" "$(find "$STACK_DIR" -name 'backup*' | wc -l)" 1
tap_not "it is not overwritten" stack_ctl backup "$backup"
tap_is "no name stands in it in clear" "$(grep -caE 'fk:|sip:|nh1' "$backup")" 0
tap_is "the campaign went on" "$(stack_campaign_get .state)" running
tap_is "one that cannot be written is said to have failed" \
	"$(stack_ctl backup /proc/none >/dev/null 2>&1 || echo $?)" 1

# What the backup does not know.
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "it comes to its end" "$(stack_campaign_get .acked)" "$THERE"
lost_key_ids="$(key_id)"
stack_import >/dev/null
campaign_ends --sln 3 --no-closing
lost_key_ids+=" $(key_id)"
last_lost=$STACK_CAMPAIGN

tap_is "while fleetkeyd runs nothing is restored" \
	"$(restore "$backup") $(grep -c 'in use by another process' "$STACK_DIR/out")" "1 1"
stack_stop control 10
tap_is "nor into a Redis that is not empty" \
	"$(restore "$backup" --skip-numbers 200) $(grep -c 'not empty' "$STACK_DIR/out")" "1 1"
start_control
tap_is "which goes on as it was" "$(store .recoveries) $(counted held "$first")" "0 $THERE"

lose_redis
head -c -1 "$backup" >"$STACK_DIR/cut"
refused "a backup without its last octet changes nothing" "cut off" "$STACK_DIR/cut"
head -c 1000 "$backup" >"$STACK_DIR/cut"
refused "nor does the beginning of one" "cut off" "$STACK_DIR/cut"
size=$(stat -c %s "$backup")
cp "$backup" "$STACK_DIR/altered"
printf 'X' | dd of="$STACK_DIR/altered" bs=1 seek=$((size / 2)) conv=notrunc status=none
refused "nor one with an octet changed" "altered" "$STACK_DIR/altered"
refused "nor another file" "no backup" "$STACK_DIR/fleet.csv"
refused "nor one that is not there" "No such file" "$STACK_DIR/none"
sed "s|root_key_file: .*|root_key_file: $STACK_DIR/other.key|" "$STACK_DIR/fleetkeyd.yaml" \
	>"$STACK_DIR/other.yaml"
(umask 077 && head -c 32 /dev/urandom >"$STACK_DIR/other.key")
CONFIG=$STACK_DIR/other.yaml refused "nor is one opened by another root key" \
	"does not open under this root key" "$backup"
sed '/witness_file/d' "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/blind.yaml"
EXPECTED=3 CONFIG=$STACK_DIR/blind.yaml refused "without a witness somebody has to say how many numbers" \
	"--skip-numbers" "$backup"

EXPECTED=3 refused "nor does the witness, if it has the numbers of a fleet that came later" \
	"as a fleet was imported" "$backup"

tap_is "then the backup is restored into the empty Redis" "$(restore "$backup" --skip-numbers 200)" 0
tap_is "it says what became of campaigns and keys" \
	"$(grep -cE "^(aborted: 1 campaigns|unknown: which keys $THERE UEs|gone: )" "$STACK_DIR/out")" 3
tap_is "and is not restored twice" \
	"$(restore "$backup" --skip-numbers 200) $(grep -c 'not empty' "$STACK_DIR/out")" "1 1"
start_control
tap_is "the recovery is on record, with what became unknown" "$(store '"\(.recoveries) " +
	"\(.recovered_unknown_ues) \(.recovered_aborted_campaigns) \(.restored_from_s > 0)"')" \
	"1 $THERE 1 true"
tap_is "what was under way is aborted" \
	"$(stack_ctl campaign show "$under_way" --json | jq -r .state)" aborted
tap_is "the campaign of a fleet that was replaced before is accounted for as ever" "$(frozen)" \
	"${account:-no report}"
tap_is "of nobody it is known that he holds the first key" \
	"$(counted held "$first") $(counted unknown "$first")" "0 $THERE"
stack_import >/dev/null
campaign_ends --sln 3 --no-closing
tap_ok "no campaign has the id of one that is lost" test "$STACK_CAMPAIGN" -gt "$last_lost"
tap_not "nor its key an ID that a lost one had" grep -qw "$(key_id)" <<<"$lost_key_ids"
tap_is "the new key reaches all" "$(stack_campaign_get .acked)" "$UES"
lost_key_ids+=" $(key_id)"

# A later backup, and no import since: the witness has all that is needed.
tap_ok "another backup is made" stack_ctl backup "$backup.2"
stack_campaign_create --sln 2 --pace 100 --no-closing
stack_until 30 "ten acknowledgements" stack_acked_is_at_least 10
lost_key_ids+=" $(key_id)"
lose_redis
tap_is "with a witness it is restored without a word more" "$(restore "$backup.2")" 0
start_control
campaign_ends --sln 2 --no-closing
tap_is "and a key reaches all" "$(stack_campaign_get .acked)" "$UES"
lost_key_ids+=" $(key_id)"

# The first one again, and the witness is lost, too.
lose_redis
rm "$STACK_WITNESS"
tap_is "without a witness it is restored by somebody's word" \
	"$(restore "$backup" --skip-numbers 500)" 0
start_control
tap_is "and numbers are witnessed again" "$(store '"\(.witness) \(.recoveries)"')" "true 1"
stack_import >/dev/null
campaign_ends --kind inventory
for sln in 1 2 3; do
	campaign_ends --sln "$sln" --keyset 1 --replace-active --no-closing
	tap_not "the key for SLN $sln has a new ID" grep -qw "$(key_id)" <<<"$lost_key_ids"
done
stack_campaign_create --sln 4
stack_watch 60 >/dev/null
stack_take_currency
stack_settle
tap_ok "the currency agrees with what the radios hold" stack_currency_agrees
tap_is "no message number was used twice, by either" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
stack_end
tap_end
