#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fleetkeyd is killed in the middle of a campaign, started again, and the campaign finishes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

tap_plan 10
stack_init kill-control
STACK_UES=400
STACK_PACE=100
STACK_T1_MS=200
STACK_ANSWER_MS=2000
STACK_BACKOFF_MS=200
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
stack_until 60 "hundred acknowledgements" stack_acked_is_at_least 100
acked=$(stack_campaign_get .acked)
stack_kill control
tap_is "it was killed in mid-campaign" "$([ "$acked" -lt 350 ] && echo yes)" yes
tap_ok "the campaign completes" stack_watch 180
tap_is "it was started again once" "${STACK_RESTARTS[control]:-0}" 1
stack_settle
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 400
tap_ok "the books agree" stack_books_agree
tap_is "the fleet verified every UE" "$(jq .verified "$STACK_DIR/fleetsim.json")" 400
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_is "all members of the group hold one key" "$(jq .groups_agree "$STACK_DIR/fleetsim.json")" true
tap_is "nothing was malformed" "$(jq .malformed "$STACK_DIR/fleetsim.json")" 0
tap_ok "every process ends well" stack_end
tap_end
