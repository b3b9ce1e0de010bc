#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A campaign over an area is for its UEs and for nobody else, over a SIGKILL of control too; and what is
# known of keys is asked area by area, and page by page.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# ues FILTER: ids of the fleet's UEs that pass a jq filter, sorted.
ues() {
	stack_ctl fleet show --ues --json | jq -r "select($1) | .ue_id" | LC_ALL=C sort
}

served() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json |
		jq -r 'select(.state == "acked") | .ue_id' | LC_ALL=C sort
}

holders() {
	stack_ctl holders --key "$key" "$@"
}

tap_plan 16
stack_init area
STACK_UES=300
STACK_PACE=200
stack_prepare
stack_start
stack_import >/dev/null
ues '.area == "north"' >"$STACK_DIR/north"
n_north=$(wc -l <"$STACK_DIR/north")
tap_ok "some are in that area, and some are not" test "$n_north" -gt 20 -a "$n_north" -lt 280

tap_is "an area that there is not is refused, by its name" \
	"$(stack_status stack_ctl campaign create --area nowhere) $(grep -c 'area.*nowhere' "$STACK_DIR/out")" \
	"1 1"
tap_is "all but some of an area cannot be said" \
	"$(stack_status stack_ctl campaign create --area north --except "$(head -n 1 "$STACK_DIR/north")")" 1
tap_is "an area does not say whom to zeroize, alone or beside others" \
	"$(stack_status stack_ctl campaign create --kind zeroize --yes --area north) $(stack_status \
		stack_ctl campaign create --kind zeroize --yes --area north --status lost) $(grep -c 'area.*does not say' "$STACK_DIR/out")" \
	"1 1 1"
tap_is "a plan counts its UEs" \
	"$(stack_ctl campaign create --area north --dry-run --json | jq -r '"\(.area) \(.n_deliveries)"')" \
	"north $n_north"
group=$(stack_ctl fleet show --json | jq -r '.groups[0].name')
tap_is "and with a group those that are in both" \
	"$(stack_ctl campaign create --area north --group "$group" --dry-run --json | jq .n_deliveries)" \
	"$(ues ".area == \"north\" and (.groups | index(\"$group\") != null)" | wc -l)"

stack_campaign_create --area north
stack_until 30 "twenty of them" stack_acked_is_at_least 20
stack_kill control
stack_until 30 "fleetkeyd that starts again" stack_ctl health
stack_until 90 "end of the campaign" stack_campaign_is_over
tap_is "it comes to its end, and says whose it was" \
	"$(stack_campaign_get '"\(.state) \(.area) \(.n_deliveries)"')" "completed north $n_north"
served >"$STACK_DIR/served"
tap_ok "its UEs are served, and nobody else" cmp "$STACK_DIR/north" "$STACK_DIR/served"

key=$(stack_campaign_get '"\(.slns[0]):\(.algorithm_id):\(.key_ids[0])"')
tap_is "the area holds the key" \
	"$(holders --area north --state held --json | jq -r .ue_id | LC_ALL=C sort | cmp - "$STACK_DIR/north" &&
		echo all)" all
tap_is "who is elsewhere does not" \
	"$(holders --state held --json | wc -l) $(holders --area north --count --json | jq add)" \
	"$n_north $n_north"
tap_is "an area that there is not has no answer" "$(stack_status holders --area nowhere --count)" 1

# Page by page, by the cursors.
api() {
	curl -s --max-time 10 --unix-socket "$STACK_DIR/api.sock" "http://localhost$1"
}
tap_is "a filter that is misspelt is none, and is refused by its name" \
	"$(api "/v1/currency?aera=north" | jq -c '[.status, .field]')" '[400,"aera"]'
query="/v1/currency?key=$key&state=held"
api "$query&limit=1000" | jq -r '.items[].ue_id' >"$STACK_DIR/whole"
cursor='' n_pages=0
: >"$STACK_DIR/pages"
while [ "$n_pages" -lt 100 ]; do
	page=$(api "$query&limit=7${cursor:+&cursor=$cursor}")
	jq -r '.items[].ue_id' <<<"$page" >>"$STACK_DIR/pages"
	n_pages=$((n_pages + 1))
	cursor=$(jq -r '.next_cursor // empty' <<<"$page")
	[ -n "$cursor" ] || break
done
tap_ok "seven by seven they are the same, in order" cmp "$STACK_DIR/whole" "$STACK_DIR/pages"
tap_ok "in as many pages as it takes" test "$n_pages" -ge $((n_north / 7))
stack_settle
tap_ok "the books agree" stack_books_agree
tap_ok "every process ends well" stack_end
tap_end
