#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fleetkeyd, fleetkey-dp and Redis, and each two of them at once, are killed five times each, at
# instants spread over short campaigns. scripts/soak does the same for longer. Each campaign's wire is
# captured on the fleet's side, which nobody kills, and judged by another tool than the fleet's.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh
# shellcheck source=tests/support/capture.sh
. tests/support/capture.sh
# shellcheck source=tests/support/kills.sh
. tests/support/kills.sh

n_kills=5
KILLS_PACE=400
KILLS_CAMPAIGN_MS=3000

tap_plan $((n_kills * ${#KILLS_TARGETS[@]} + 1))
stack_init kills
STACK_T1_MS=200
STACK_ANSWER_MS=2000
STACK_BACKOFF_MS=200
RANDOM=35
for ((i = 0; i < n_kills; i++)); do
	for name in "${KILLS_TARGETS[@]}"; do
		kills_instant "$n_kills" "$i"
		kills_round "$name" "$KILLS_AT_MS" >"$STACK_DIR/round.out" 2>&1 || {
			sed 's/^/# /' "$STACK_DIR/round.out"
			exit 1
		}
		tap_is "$name killed at $KILLS_AT_MS ms, with $KILLS_ACKED_AT_KILL of $STACK_UES acknowledged" \
			"${KILLS_WRONG:-good}" good
	done
done
capture_plant "$STACK_FLEET_CAPTURE"
tap_is "the judge of captures finds the one message number that is planted" \
	"$(capture_judge "$STACK_FLEET_CAPTURE" | jq -c '[.ues, .reused]')" "[$STACK_UES,1]"
tap_end
