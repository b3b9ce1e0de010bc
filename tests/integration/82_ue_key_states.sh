#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# UEs' own keys and their states. A compromised KEK brings nothing to its radio until another one was
# filled, a compromised protection TEK authenticates nothing until a Warm-Start has brought another
# one; both end what is open, also over SIGKILL of control, and neither comes back by a file. Expired
# ones are renewed, or left out.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

UES=60
PTEK_PERIOD_S=3600

# key_is UE kek|ptek: state, origin and version.
key_is() {
	stack_ctl fleet key "$1" "$2" --json | jq -r '"\(.state) \(.origin) \(.version)"'
}

# delivery_of UE: state and reason in the campaign.
delivery_of() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r --arg ue "$1" 'select(.ue_id == $ue) | "\(.state) \(.reason)"'
}

# UEs whose deliveries are open, or wait to be sent again.
under_way() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r 'select(.state == "open" or .state == "waiting") | .ue_id' | LC_ALL=C sort
}

only_the_silent_are_left() {
	[ "$(stack_campaign_get '.states.acked + .states.open + .states.waiting')" -eq "$UES" ] &&
		[ "$(under_way | wc -l)" -ge 3 ] && [ "$(stack_campaign_get .states.acked)" -gt 40 ]
}

campaign_ends() {
	stack_campaign_create "$@"
	stack_until 60 "end of the campaign" stack_campaign_is_over
}

# row_of UE KEK PTEK: its row of the fleet file, with other keys where they are not empty.
row_of() {
	head -n 1 "$STACK_DIR/fleet.csv"
	awk -F, -v OFS=, -v ue="$1" -v kek="$2" -v ptek="$3" 'NR == 1 {
		for (i = 1; i <= NF; i++) at[$i] = i } NR > 1 && $at["ue_id"] == ue {
		if (kek != "") $at["kek"] = kek; if (ptek != "") $at["ptek"] = ptek; print }' \
		"$STACK_DIR/fleet.csv"
}

new_key() {
	head -c 32 /dev/urandom | od -An -tx1 | tr -d ' \n'
}

all_pteks_are_old() {
	[ "$(stack_ctl fleet show --json | jq .own_keys.ptek.active)" -eq 1 ]
}

tap_plan 30
stack_init ue-keys
STACK_WITNESS=$STACK_DIR/witness
STACK_UES=$UES
STACK_SEED=11
STACK_PACE=400
STACK_T1_MS=100
STACK_ANSWER_MS=400
STACK_BACKOFF_MS=200
STACK_ATTEMPTS=40
STACK_INFERRED_LAYOUTS=true
STACK_PTEK_CRYPTOPERIOD_S=$PTEK_PERIOD_S
STACK_FLEETSIM_ARGS=(--offline 15 --offline-back 3)
stack_prepare
stack_start
stack_import >/dev/null
tap_is "a KEK that came in a file says so" "$(key_is ue0000001 kek)" "active imported-plain 1"
tap_is "as does a protection TEK, with its cryptoperiod" \
	"$(stack_ctl fleet show ue0000001 --json | jq -r '.keys[1] |
		"\(.key) \(.state) \([.came_at, .expires_at] | map(.[0:19] + "Z" | fromdate) | .[1] - .[0])"')" \
	"ptek active $PTEK_PERIOD_S"
tap_is "all of them are counted" \
	"$(stack_ctl fleet show --json | jq -c '.own_keys | [.kek.active, .ptek.none]')" "[$UES,0]"

# Silent radios keep their deliveries open.
stack_campaign_create --sln 1
stack_until 20 "deliveries to silent radios alone" only_the_silent_are_left
{ read -r lost_kek; read -r lost_ptek; read -r other; } < <(under_way)
tap_is "a key is marked as compromised" \
	"$(stack_ctl fleet key "$lost_kek" kek --compromised --json | jq -r '"\(.key) \(.state)"')" \
	"kek compromised"
tap_is "which ends what it was to bring" "$(delivery_of "$lost_kek")" "aborted kek_compromised"
stack_ctl fleet key "$lost_ptek" ptek --compromised >/dev/null
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
tap_is "a compromised protection TEK ends it too" "$(delivery_of "$lost_ptek")" \
	"aborted ptek_compromised"
tap_is "and stays so after a kill" "$(key_is "$lost_ptek" ptek)" "compromised imported-plain 1"
tap_is "nobody else's is" "$(stack_ctl fleet own-keys --state compromised --json |
	jq -r '"\(.ue_id) \(.key)"' | LC_ALL=C sort | tr '\n' ' ')" "$lost_kek kek $lost_ptek ptek "
stack_until 60 "end of the campaign" stack_campaign_is_over
tap_is "all others are served when they are back" "$(stack_campaign_get .states.acked)" "$((UES - 2))"
tap_is "that silent one among them" "$(delivery_of "$other")" "acked "

planned=$(stack_ctl campaign create --sln 2 --dry-run --json)
tap_is "a plan leaves the one out" "$(jq -c '[.n_served, .reasons.kek_compromised]' <<<"$planned")" \
	"[$((UES - 1)),1]"
campaign_ends --sln 2
tap_is "as does the campaign" "$(delivery_of "$lost_kek")" "excluded kek_compromised"
tap_is "and the other gets another protection TEK first" \
	"$(delivery_of "$lost_ptek"), $(key_is "$lost_ptek" ptek)" "acked , active warm-start 2"
campaign_ends --kind inventory
tap_is "what carries no key needs no KEK" "$(stack_campaign_get .states.acked)" "$UES"

sed -i 's/ptek_cryptoperiod_s: .*/ptek_cryptoperiod_s: 2/' "$STACK_DIR/fleetkeyd.yaml"
stack_stop control 30
stack_start_control
stack_until 30 "answer from fleetkeyd" stack_ctl health
campaign_ends --kind warm-start
stack_until 30 "protection TEKs that expire" all_pteks_are_old
tap_is "protection TEKs expire" \
	"$(stack_ctl fleet own-keys --key ptek --state expired --json | wc -l)" "$((UES - 1))"
campaign_ends --sln 3
tap_is "and are renewed by what comes next" "$(stack_campaign_get .states.acked)" "$((UES - 1))"
tap_is "but for the one that cannot be" \
	"$(stack_ctl fleet key "$other" ptek --json | jq -r '"\(.origin) \(.version)"'), $(delivery_of "$lost_kek")" \
	"warm-start 3, excluded kek_compromised"
stack_settle
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_is "the compromised KEK has brought nothing" \
	"$(jq -r --arg ue "$lost_kek" 'select(.ue_id == $ue) | .sln' "$STACK_DIR/fleetsim.book" | wc -l)" 0

# The same octets do not come back, others do.
row_of "$lost_kek" "" "$(new_key)" >"$STACK_DIR/row.csv"
tap_is "a file with the compromised key is refused" \
	"$(stack_status stack_ctl fleet update "$STACK_DIR/row.csv" --allow-plain-keys)" 1
tap_ok "by line, column and reason" grep -q 'row.csv:2.*kek.*compromised' "$STACK_DIR/out"
stack_ctl fleet export | grep -E "^(ue_id|$lost_kek)," >"$STACK_DIR/row.csv"
sed -i 's/,[0-9]*,[^,]*,[^,]*,[^,]*,[^,]*$/,77,,,,none/' "$STACK_DIR/row.csv"
stack_ctl fleet update "$STACK_DIR/row.csv" >/dev/null
tap_is "an update that keeps it keeps it compromised" "$(key_is "$lost_kek" kek)" \
	"compromised imported-plain 1"
row_of "$lost_kek" "$(new_key)" "$(new_key)" >"$STACK_DIR/row.csv"
stack_ctl fleet update "$STACK_DIR/row.csv" --allow-plain-keys >/dev/null
tap_is "another one is active" "$(key_is "$lost_kek" kek)" "active imported-plain 2"

# Its radio is filled with the new keys.
cp "$STACK_DIR/row.csv" "$STACK_DIR/fleet.csv"
STACK_FLEETSIM_ARGS=()
stack_start_fleetsim
stack_until 60 "fleetsim" test -e "$STACK_DIR/fleetsim.ready"
campaign_ends --sln 4 "$lost_kek"
tap_is "under which keys come to the radio again" "$(delivery_of "$lost_kek")" "acked "
sed -i 's/^keys:/&\n  kek_cryptoperiod_s: 1/' "$STACK_DIR/fleetkeyd.yaml"
stack_stop control 30
stack_start_control
stack_until 30 "answer from fleetkeyd" stack_ctl health
row_of "$lost_kek" "$(new_key)" "" >"$STACK_DIR/row.csv"
stack_ctl fleet update "$STACK_DIR/row.csv" --allow-plain-keys >/dev/null
sleep 2
campaign_ends --sln 5 "$lost_kek"
tap_is "one that has expired brings none" \
	"$(key_is "$lost_kek" kek), $(delivery_of "$lost_kek")" \
	"expired imported-plain 3, excluded kek_expired"
tap_ok "no key is in a log" bash -c "! grep -qiE '[0-9a-f]{64}' '$STACK_DIR'/control.log"

# Pages of the fleet that are put back, with the lists that vouch for their versions.
redis() { timeout 10 redis-cli -s "$STACK_DIR/redis.sock" "$@"; }
pages() { redis --scan --pattern "fk:{s*}:fleet:$1:*"; }
generation=$(redis get fk:fleet:current)
for key in "fk:fleet:$generation" $(pages "$generation"); do
	redis copy "$key" "older:$key" >/dev/null
done
stack_ctl fleet key "$lost_ptek" kek --compromised >/dev/null
tap_is "that was no import" "$(redis get fk:fleet:current)" "$generation"
stack_stop control 30
for key in "fk:fleet:$generation" $(pages "$generation"); do
	redis copy "$key" "newer:$key" >/dev/null
	redis copy "older:$key" "$key" replace >/dev/null
done
status=0
timeout 30 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/out" 2>&1 \
	</dev/null || status=$?
tap_is "pages put back with their lists stop the start" \
	"$status $(grep -c 'pages and their lists of versions were put back' "$STACK_DIR/out")" "1 1"
for key in "fk:fleet:$generation" $(pages "$generation"); do
	redis copy "newer:$key" "$key" replace >/dev/null
done
stack_start_control
tap_ok "as they were, they are taken" stack_until 30 "answer from fleetkeyd" stack_ctl health
tap_ok "every process ends well" stack_end
tap_end
