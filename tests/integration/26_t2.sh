#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Carrier T2: KMMs in Interworking Security Data, in a layout that is an example. Configuration,
# plan, campaign, capture, what is false, and layouts that stop the start.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

fleet() {
	jq -r "$1" "$STACK_DIR/fleetsim.json"
}

counted() {
	jq --arg name "$1" '.counters[$name]' "$STACK_DIR/dataplane.json"
}

# each_counted WHAT KIND COUNTER: as many were counted as were sent, and some were.
each_counted() {
	local n
	n=$(fleet ".hostile.$2")
	tap_is "$1: $n sent, each counted as $3" \
		"$(counted "$3") $([ "$n" -gt 0 ] && echo sent)" "$n sent"
}

# In the capture, messages of one direction that are read whole in the layout.
n_read() {
	jq -n --arg source "$(stack_address "$1")" --arg name "$2" '
		[inputs | select((.source // "") | startswith($source + ":")) |
		select(.interworking_security_data.lmr_type == "P25" and .error == null and
			.interworking_security_data.kmf_uri == "sip:kmf@mc.example" and
			.kmm.message_name == $name)] | length' "$STACK_DIR/capture.json"
}

# start_fails SENTENCE WORD...: fleetkeyd refuses the configuration and says every WORD.
start_fails() {
	local sentence=$1 status=0 word
	shift
	timeout 30 "$STACK_BIN/fleetkeyd" --config "$STACK_DIR/bad.yaml" >"$STACK_DIR/out" 2>&1 \
		</dev/null || status=$?
	for word in "$@"; do
		grep -qF -- "$word" "$STACK_DIR/out" || status="$status, without '$word'"
	done
	tap_is "$sentence" "$status" 2
	[ "$status" = 2 ] || sed 's/^/# /' "$STACK_DIR/out"
}

tap_plan 32
stack_init t2
STACK_PROFILE=T2
STACK_CONGESTION_SAFE=true
STACK_UES=300
STACK_SLNS=2
STACK_LOSS=5
STACK_T1_MS=100
STACK_BACKOFF_MS=200
STACK_CAPTURE=$STACK_DIR/t2.pcap

stack_begin_anew
stack_ctl campaign create --sln 1-2 --dry-run --json >"$STACK_DIR/plan.json"
tap_is "the plan names the carrier, which has no profile" "$(jq -r '.next_hops[0] |
	"\(.carrier) \(.profile) \(.n_served) \(.one_at_a_time)"' "$STACK_DIR/plan.json")" \
	"T2 null 300 false"
stack_campaign_create --sln 1-2
tap_ok "a campaign of two keys completes with 5 % loss" stack_watch 60
stack_settle
stack_end
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 300
tap_is "the fleet verified every UE" "$(fleet .verified)" 300
tap_ok "the books agree" stack_books_agree
tap_is "nothing was malformed, no number reused" \
	"$(fleet '"\(.malformed) \(.message_number_reused)"')" "0 0"
tap_is "there was no disposition" "$(fleet .notifications) $(counted rx_notifications)" "0 0"
tap_is "nothing that came was refused" "$(counted rx_isd_refused) $(counted rx_kmm_malformed) \
$(counted rx_media_refused) $(counted rx_body_refused)" "0 0 0 0"
"$STACK_BIN/fleetkey-inspect" pcap --isd-layout "$STACK_ISD_LAYOUT" "$STACK_CAPTURE" \
	>"$STACK_DIR/capture.json"
tap_ok "the capture has a Rekey-Command for each UE, read in the layout" \
	test "$(n_read kmf Rekey-Command)" -ge 300
tap_ok "and a closing exchange" test "$(n_read kmf Inventory-Command)" -ge 300
# What was lost on its way never reached the capture; it came again.
tap_ok "and each UE's acknowledgement" test "$(n_read server Rekey-Acknowledgment)" -ge 300
tap_is "the largest MESSAGE is as large as the plan said" "$(jq -n '
	[inputs | select(.kmm.message_name == "Rekey-Command") | .parts[-1] |
		.offset + .size + ("\r\n--k--" | length)] | max' \
	"$STACK_DIR/capture.json")" "$(jq .message_size_max "$STACK_DIR/plan.json")"
tap_is "UEs go by their MCPTT IDs" "$(jq -nr '[inputs | .mcptt_info.mcptt_request_uri // empty |
	select(startswith("sip:ue")) | sub(".*@"; "")] | unique | join(",")' \
	"$STACK_DIR/capture.json")" mcptt.mc.example
tap_not "without the layout nobody reads it" \
	"$STACK_BIN/fleetkey-inspect" pcap "$STACK_CAPTURE"

# Lies, beside T1 at another next hop. Long timers: a repeat would be counted, too.
STACK_NEXT_HOPS=("nh-t1,5060,C" "nh-t2,5062,T2")
STACK_UES=60
STACK_SLNS=1
STACK_LOSS=0
STACK_T1_MS=4000
STACK_CAPTURE=
STACK_HOSTILE=all
stack_begin_anew
stack_campaign_create
tap_ok "lies: a campaign over both carriers completes" stack_watch 60
sleep 1
stack_settle
tap_is "lies: every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 60
tap_ok "lies: the books agree" stack_books_agree
tap_is "lies: half of the UEs were reached by T2" \
	"$(fleet '.next_hops[] | select(.name == "nh-t2") | .accepted')" 60
each_counted "lies: from an unknown peer" unknown_peer rx_unknown_peer
each_counted "lies: answers in another's name" wrong_ue_answer rx_kmm_not_that_ue
each_counted "lies: answers with a broken MAC" bad_mac rx_kmm_bad_mac
each_counted "lies: replays of an accepted answer" replay rx_kmm_repeat
each_counted "lies: responses with a forged branch" forged_branch rx_response_forged
tap_ok "lies: every process ends well" stack_end

# The fleet's side reads another layout than ours: nothing gets through, and both say so.
STACK_NEXT_HOPS=()
STACK_HOSTILE=
STACK_UES=5
STACK_T1_MS=20
STACK_ATTEMPTS=2
sed 's/^message_identity .*/message_identity V value=0x02/' "$STACK_ISD_LAYOUT" \
	>"$STACK_DIR/other-layout"
STACK_FLEETSIM_ARGS=(--isd-layout "$STACK_DIR/other-layout")
stack_begin_anew
stack_campaign_create
stack_watch 60 >/dev/null
stack_settle
tap_is "another layout: no UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 0
tap_ok "another layout: the fleet refused every request" \
	test "$(fleet '.malformed_reasons.isd')" -ge 5
tap_is "another layout: nobody holds a key" "$(fleet .holding)" 0
stack_end

# edit SED-SCRIPT LAYOUT: a configuration whose layout is that text.
edit() {
	printf '%b' "$2" >"$STACK_DIR/bad-layout"
	sed -E "$1" "$STACK_DIR/fleetkeyd.yaml" >"$STACK_DIR/bad.yaml"
}

at_bad="s,^(  layout_file: ).*,\1$STACK_DIR/bad-layout,"
edit "$at_bad" 'lmr_type V p25=2\npayload LV-Q\n'
start_fails "a bad layout is refused with file, line, field and reason" \
	isd.layout_file "$STACK_DIR/bad-layout" "line 2" payload "no format"
edit "$at_bad" 'lmr_type V tetra=1\npayload LV\n'
start_fails "so is one without P25" "$STACK_DIR/bad-layout" lmr_type p25=
edit '/^isd:/d; /^  layout_file:/d' ''
start_fails "none is built in" isd.layout_file missing
edit 's,^(  layout_file: ).*,\1/nonexistent,' ''
start_fails "a layout file that is not there is named" /nonexistent
edit 's/^    carrier: T2/&\n    profile: A/' ''
start_fails "T2 has no profile" 'next_hops[0].profile'
tap_end
