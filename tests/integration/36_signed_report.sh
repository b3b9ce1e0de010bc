#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# The signed report of a campaign in which some UEs hear nothing, some refuse and some answer too
# late: each delivery in one final state, the same after a crash, checked without fleetkeyd, and
# amended by what came late. What was changed, cut off or signed by another is refused. Updates,
# removals and imports of the fleet change nothing in it, nor do fleetkeyd and Redis that are killed
# in the middle of one.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

verify() {
	"$STACK_BIN/fleetkeyctl" report verify "$@" --key "$STACK_DIR/report.pem"
}

# changed FROM TO: the report with the first FROM replaced.
changed() {
	sed "0,/$1/s//$2/" "$STACK_DIR/report" >"$STACK_DIR/changed"
	! cmp -s "$STACK_DIR/report" "$STACK_DIR/changed" || return 1
	verify "$STACK_DIR/changed"
}

fetch() {
	stack_ctl campaign report "$STACK_CAMPAIGN" --signed
}

frozen() {
	jq -r 'select(.end) | .end.frozen_sha512' "$1"
}

# The same check by other tools, from the words in the contract of the signature.
openssl_agrees() {
	local digest
	digest=$(head -n -1 "$STACK_DIR/report" | sha512sum | cut -d ' ' -f 1)
	printf 'fleetkey-report-1 sha512 %s\n' "$digest" >"$STACK_DIR/statement"
	tail -n 1 "$STACK_DIR/report" | jq -r .signature.value | perl -ne 'chomp; print pack "H*", $_' >"$STACK_DIR/signature"
	openssl pkeyutl -verify -pubin -inkey "$STACK_DIR/report.pem" -rawin \
		-in "$STACK_DIR/statement" -sigfile "$STACK_DIR/signature"
}

# What never changes again: the head, and a line for each UE.
frozen_lines() {
	grep -E '^\{"(report|delivery)"' "$1"
}

amendments() {
	jq -c "select(.amendment) | .amendment | $2" "$1" | LC_ALL=C sort
}

# Fetches a report into 'later'; true if it is good and its deliveries are those of 'first'.
is_as_it_was() {
	fetch >"$STACK_DIR/later" && verify "$STACK_DIR/later" >/dev/null &&
		cmp <(frozen_lines "$STACK_DIR/first") <(frozen_lines "$STACK_DIR/later")
}

listed() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json | sha256sum
}

update() {
	stack_ctl fleet update "$@" >/dev/null
}

generation() {
	stack_ctl fleet show --json | jq .fleet_generation
}

# A row of the fleet file as a radio that nobody has.
stranger() {
	awk -F, -v OFS=, -v n="$1" 'NR == 1 { print } NR == 2 { $1 = "stranger" n; $2 = "sip:s" n "@x"
		$3 = "sip:d" n "@x"; $5 = 900000 + n; print }' "$STACK_DIR/fleet.csv"
}

# killed_at NAME MS: an import, and a kill so long after its beginning; then both are there again.
killed_at() {
	local import restarts=${STACK_RESTARTS[$1]:-0}
	timeout 20 "$STACK_BIN/fleetkeyctl" --socket "$STACK_DIR/api.sock" fleet import \
		"$STACK_DIR/fleet.csv" --allow-plain-keys >/dev/null 2>&1 </dev/null &
	import=$!
	sleep "0.$(printf %03d "$2")"
	stack_kill "$1"
	wait "$import" || true
	stack_until 20 "restart of $1" was_restarted "$1" "$restarts"
	stack_until 30 "answer after it" stack_ctl health
}

was_restarted() {
	[ "${STACK_RESTARTS[$1]:-0}" -gt "$2" ]
}

tap_plan 34
stack_init report
STACK_UES=400
STACK_SEED=3
STACK_T1_MS=200
STACK_ANSWER_MS=500
STACK_ATTEMPTS=1
STACK_RESTARTS_MAX=20
STACK_PACE=400
STACK_FLEETSIM_ARGS=(--delay-ms '1000,1000' --offline 5 --refuse-404 3)
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
tap_is "a campaign that runs has no signed report" "$(fetch 2>&1 | grep -c 'not over')" 1
stack_watch 60 >/dev/null || true
stack_ctl keys report-key >"$STACK_DIR/report.pem"
fetch >"$STACK_DIR/report"
tap_ok "the report of one that is over is signed" verify "$STACK_DIR/report"
tap_ok "as other tools say too" openssl_agrees
tap_is "and has a delivery for each UE" \
	"$(jq -r 'select(.delivery) | .delivery.ue_id' "$STACK_DIR/report" | LC_ALL=C sort -u | wc -l)" 400
tap_is "in the state that the books have" \
	"$(jq -r 'select(.delivery) | .delivery | "\(.ue_id) \(.state) \(.reason)"' \
		"$STACK_DIR/report" | sha256sum)" \
	"$(stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r '"\(.ue_id) \(.state) \(.reason)"' | sha256sum)"
tap_is "which is a final one" "$(jq -r 'select(.delivery) | .delivery.state' "$STACK_DIR/report" |
	grep -cvE '^(acked|partial|refused|unreachable|excluded|aborted)$')" 0
tap_is "each acknowledgement has its evidence" \
	"$(jq -c 'select(.delivery.state == "acked" and (.delivery.evidence | not))' \
		"$STACK_DIR/report" | wc -l)" 0
tap_ok "some were reached and some were not" jq -se 'map(select(.end))[0].end.states |
	.acked > 100 and .unreachable > 20' "$STACK_DIR/report"

tap_not "a changed state is noticed" changed '"state":"unreachable"' '"state":"acked"'
tap_not "as is another sum" changed '"n_deliveries":400' '"n_deliveries":399'
sed '100d' "$STACK_DIR/report" >"$STACK_DIR/changed"
tap_not "and a line that is gone" verify "$STACK_DIR/changed"
head -n -1 "$STACK_DIR/report" >"$STACK_DIR/changed"
tap_not "and a signature that is gone" verify "$STACK_DIR/changed"
head -c 20000 "$STACK_DIR/report" >"$STACK_DIR/changed"
tap_is "a report that was cut off is called so" \
	"$(verify "$STACK_DIR/changed" 2>&1 | grep -c 'cut off')" 1
openssl genpkey -algorithm ed25519 2>/dev/null | openssl pkey -pubout >"$STACK_DIR/other.pem"
tap_not "another key did not sign it" \
	"$STACK_BIN/fleetkeyctl" report verify "$STACK_DIR/report" --key "$STACK_DIR/other.pem"
tap_is "and what is no key is named" "$("$STACK_BIN/fleetkeyctl" report verify \
	"$STACK_DIR/report" --key "$STACK_DIR/fleet.csv" 2>&1 | grep -c 'fleet.csv: holds no')" 1

# The last answers are up to four seconds on their way.
late_came() {
	fetch >"$STACK_DIR/amended" && verify "$STACK_DIR/amended" >/dev/null &&
		jq -se 'map(select(.end))[0].end.n_amendments > 10' "$STACK_DIR/amended" >/dev/null
}
stack_until 30 "late answers" late_came
tap_ok "what came too late is an amendment" jq -se 'map(select(.amendment))[0].amendment |
	.keys == ["held"] and .evidence.authenticated.mac_key_id > 0' "$STACK_DIR/amended"
tap_is "and the deliveries stay as they were" "$(frozen "$STACK_DIR/amended")" \
	"$(frozen "$STACK_DIR/report")"
tap_is "each amendment is of a UE that was not acknowledged" "$(jq -rs '
	(map(select(.delivery.state == "acked") | {(.delivery.ue_id): true}) | add) as $acked |
	map(select(.amendment) | select($acked[.amendment.ue_id])) | length' \
	"$STACK_DIR/amended")" 0

stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
fetch >"$STACK_DIR/report"
tap_is "a report after a crash has the same deliveries" "$(frozen "$STACK_DIR/report")" \
	"$(frozen "$STACK_DIR/amended")"
tap_ok "under the same key" verify "$STACK_DIR/report"
stack_until 30 "attached dataplane" stack_attached
STACK_CAMPAIGN=$(stack_ctl campaign plan --sln 1 --json | jq .id)
stack_ctl campaign abort "$STACK_CAMPAIGN" >/dev/null
tap_is "a campaign that never began has none" "$(fetch 2>&1 | grep -c 'never began')" 1

# Three radios more, one in another area, and three that go: one of them had answered too late.
STACK_CAMPAIGN=1
fetch >"$STACK_DIR/first"
listing=$(listed)
for n in 1 2 3; do
	stranger "$n" >"$STACK_DIR/part.csv"
	update "$STACK_DIR/part.csv" --allow-plain-keys
done
tap_ok "with three more radios the report is, line by line, as it was" is_as_it_was
tap_is "and so is the list of deliveries" "$(listed)" "$listing"
tap_is "and what came too late" "$(amendments "$STACK_DIR/later" .)" "$(amendments "$STACK_DIR/first" .)"
gone=$(amendments "$STACK_DIR/first" .ue_id | jq -r . | head -n 1)
{
	echo ue_id
	echo "$gone"
	jq -r 'select(.delivery.state == "acked") | .delivery.ue_id' "$STACK_DIR/first" | head -n 2
} >"$STACK_DIR/gone.csv"
update "$STACK_DIR/gone.csv" --remove
tap_ok "with three fewer, too" is_as_it_was
tap_is "the answer of one that has left still counts" \
	"$(amendments "$STACK_DIR/later" 'del(.left_fleet)')" "$(amendments "$STACK_DIR/first" .)"
tap_is "and it is said that it has left" \
	"$(amendments "$STACK_DIR/later" 'select(.left_fleet) | .ue_id' | jq -r .)" "$gone"
stranger 9 | awk -F, -v OFS=, -v id="$gone" 'NR == 2 { $1 = id } { print }' >"$STACK_DIR/part.csv"
update "$STACK_DIR/part.csv" --allow-plain-keys
tap_ok "another radio under its name changes nothing" is_as_it_was

# A campaign of that fleet which ends early: pages that nobody was sent anything from.
stack_until 30 "attached dataplane" stack_attached
STACK_CAMPAIGN=$(stack_ctl campaign create --pace 5 --json | jq .id)
stack_ctl campaign abort "$STACK_CAMPAIGN" >/dev/null
stack_until 30 "report of the second campaign" fetch
fetch >"$STACK_DIR/second"
stack_import >/dev/null
second=$(fetch | tee "$STACK_DIR/later" | frozen_lines /dev/stdin | sha256sum)
tap_is "a campaign that was aborted is accounted for as well, after an import" "$second" \
	"$(frozen_lines "$STACK_DIR/second" | sha256sum)"
tap_ok "and its report is good" verify "$STACK_DIR/later"

STACK_CAMPAIGN=1
ended=0
for ms in 2 5 8 12 20 40; do
	for name in control redis; do
		before=$(generation)
		killed_at "$name" "$ms"
		stack_until 10 "report as it was" is_as_it_was
		[ "$(generation)" = "$before" ] || ended=$((ended + 1))
	done
done
tap_ok "with either killed in the middle of an import it is as it was each time" is_as_it_was
stack_import >/dev/null
tap_ok "and after one that came to its end" is_as_it_was
echo "# imports that came to their end: $ended of 12"

# Whoever wants to keep nothing of replaced fleets says so.
sed -i 's/^store:/&\n  rosters: 0/' "$STACK_DIR/fleetkeyd.yaml"
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
tap_is "if no roster is to be kept, that is said" "$(fetch 2>&1 | grep -c 'store.rosters')" 1
tap_is "and none is there" "$(timeout 5 redis-cli -s "$STACK_DIR/redis.sock" --scan \
	--pattern 'fk:*roster*' | wc -l)" 0
stack_end
tap_end
