#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fleetkeyctl: exit codes, JSON, reasons, with and without a terminal, over socket and loopback.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# exits SENTENCE STATUS WORD ARGUMENT...: fleetkeyctl ends with STATUS and says WORD.
exits() {
	local sentence=$1 wanted=$2 word=$3 status=0
	shift 3
	timeout 60 "$STACK_BIN/fleetkeyctl" "$@" >"$STACK_DIR/out" 2>&1 </dev/null || status=$?
	grep -qF -- "$word" "$STACK_DIR/out" || status="$status, without '$word'"
	tap_is "$sentence" "$status" "$wanted"
	[ "$status" = "$wanted" ] || head -n 10 "$STACK_DIR/out" | sed 's/^/# /'
}

tap_plan 36
stack_init cli
socket=$STACK_DIR/api.sock
exits "no command is wrong usage" 2 "no command"
exits "an unknown command is named" 2 "fleet fly" fleet fly
exits "an unknown option is named" 2 "--loud" campaign list --loud
exits "a number out of range is named with its range" 2 "1 to 4095" campaign create --sln 4096
exits "an option without its value is named" 2 "--group needs a value" campaign create --group
exits "an id that could leave its place is refused" 2 "no campaign id" campaign show ../health
exits "help lists the commands" 0 "campaign watch" --help
exits "the version is told" 0 "fleetkeyctl " --version
exits "a fleetkeyd that is away is named by its socket" 1 "$socket" --socket "$socket" health
exits "watch gives up at last" 1 "no answer" campaign watch 1 --wait 1 --socket "$socket"
exits "only the loopback address is spoken to" 2 "http://127.0.0.1:PORT" \
	--url http://192.0.2.1:80 health

STACK_UES=30
STACK_API_PORT=$(stack_free_port)
stack_prepare
stack_start
url=http://127.0.0.1:$STACK_API_PORT
ctl=(--socket "$socket")
exits "options may come before the command" 0 "" "${ctl[@]}" health
exits "or after it" 0 "" health "${ctl[@]}"
tap_ok "health in JSON is JSON" bash -c "'$STACK_BIN/fleetkeyctl' health --json --socket '$socket' |
	jq -e 'type == \"object\"'"
exits "a campaign without a fleet is refused with a reason" 1 "fleet" "${ctl[@]}" campaign create
exits "a file that is not there is named" 1 "none.csv" "${ctl[@]}" fleet import none.csv
exits "plain keys do not come over loopback: refused by policy" 3 "" --url "$url" \
	--token-file "$STACK_DIR/api.token" fleet import "$STACK_DIR/fleet.csv" --allow-plain-keys
tap_ok "the fleet is imported over the socket" stack_import
exits "the loopback port serves with its token" 0 "" --url "$url" \
	--token-file "$STACK_DIR/api.token" fleet show
exits "but not without it" 3 "" --url "$url" fleet show
(umask 077 && echo guess >"$STACK_DIR/wrong.token")
exits "nor with another" 3 "" --url "$url" --token-file "$STACK_DIR/wrong.token" fleet show
chmod 0644 "$STACK_DIR/wrong.token"
exits "a token that others may read is refused" 2 "wrong.token" --url "$url" \
	--token-file "$STACK_DIR/wrong.token" fleet show
exits "a pace above the configured one is refused by field" 1 "pace_per_s" "${ctl[@]}" \
	campaign create --pace 10000000
exits "a group that does not exist is refused by field" 1 "group" "${ctl[@]}" \
	campaign create --group nobody
exits "an unknown campaign is refused" 1 "" "${ctl[@]}" campaign show 4711
stack_campaign_create --pace 20
exits "a second campaign at a time is refused" 1 "" "${ctl[@]}" campaign create
exits "so is another fleet" 1 "" "${ctl[@]}" fleet import "$STACK_DIR/fleet.csv" \
	--allow-plain-keys
exits "watch ends well with the campaign" 0 "completed" "${ctl[@]}" campaign watch "$STACK_CAMPAIGN"
tap_is "without a terminal it writes whole lines" \
	"$(grep -c $'\033' "$STACK_DIR/out" || true) $(($(wc -l <"$STACK_DIR/out") > 2))" "0 1"
timeout 60 script -qec "'$STACK_BIN/fleetkeyctl' --socket '$socket' campaign watch $STACK_CAMPAIGN" \
	/dev/null >"$STACK_DIR/out" 2>&1 </dev/null || true
tap_ok "on a terminal it draws a bar" grep -q '\[##.*100\.0 %' "$STACK_DIR/out"
tap_is "deliveries come one JSON object a line" \
	"$(stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json | jq -r .state | sort |
		uniq -c | tr -s ' ')" " 30 acked"
tap_is "UEs come one JSON object a line, without keys" \
	"$(stack_ctl fleet show --ues --json | jq -c 'has("ue_id") and (has("kek") or has("ptek") | not)' |
		uniq -c | tr -s ' ')" " 30 true"
exits "the report names the final states" 0 "acked" "${ctl[@]}" campaign report "$STACK_CAMPAIGN"
first=$STACK_CAMPAIGN
stack_campaign_create --pace 5
exits "a campaign is aborted" 0 "aborted" "${ctl[@]}" campaign abort "$STACK_CAMPAIGN"
exits "watching an aborted campaign fails" 1 "aborted" "${ctl[@]}" campaign watch \
	"$STACK_CAMPAIGN"
exits "both campaigns are listed" 0 "$first" "${ctl[@]}" campaign list
tap_end
