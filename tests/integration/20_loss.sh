#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# One datagram in twenty is lost, each way: repeats bring every UE to its key all the same.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

tap_plan 9
stack_init loss
STACK_UES=300
STACK_LOSS=5
STACK_SEED=7
STACK_T1_MS=100
STACK_ANSWER_MS=3000
STACK_BACKOFF_MS=200
stack_prepare
stack_start
stack_import >/dev/null
stack_campaign_create
tap_ok "the campaign completes" stack_watch 120
stack_settle
tap_is "every UE acknowledged" "$(jq .acked "$STACK_DIR/campaign.json")" 300
tap_ok "the books agree" stack_books_agree
tap_is "the fleet verified every UE" "$(jq .verified "$STACK_DIR/fleetsim.json")" 300
tap_is "no message number was used twice" \
	"$(jq .message_number_reused "$STACK_DIR/fleetsim.json")" 0
tap_is "datagrams were lost both ways" \
	"$(jq '.datagrams | .lost_rx > 0 and .lost_tx > 0' "$STACK_DIR/fleetsim.json")" true
tap_is "requests were repeated" \
	"$(jq '.counters.tx_retransmits > 0' "$STACK_DIR/dataplane.json")" true
tap_is "nothing was malformed" "$(jq .malformed "$STACK_DIR/fleetsim.json")" 0
tap_ok "every process ends well" stack_end
tap_end
