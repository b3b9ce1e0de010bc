#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fleetkeyd, fleetkey-dp and Redis, and each two of them at once, are killed five times each, at
# instants spread over whole campaigns: of 10 s for the first two alone, of 3 s for the others.
# scripts/soak does the same for longer. Each campaign's wire is captured on the fleet's side, which
# nobody kills, and judged by another tool than the fleet's.
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
n_late=0

campaign_ms() {
	case $1 in
	control | dataplane) echo 10000 ;;
	*) echo 3000 ;;
	esac
}

tap_plan $((n_kills * ${#KILLS_TARGETS[@]} + 2))
stack_init kills
STACK_T1_MS=200
STACK_ANSWER_MS=2000
STACK_BACKOFF_MS=200
RANDOM=35
for ((i = 0; i < n_kills; i++)); do
	for name in "${KILLS_TARGETS[@]}"; do
		KILLS_CAMPAIGN_MS=$(campaign_ms "$name")
		kills_instant "$n_kills" "$i"
		kills_round "$name" "$KILLS_AT_MS" >"$STACK_DIR/round.out" 2>&1 || {
			sed 's/^/# /' "$STACK_DIR/round.out"
			exit 1
		}
		tap_is "$name killed $(kills_when)" "${KILLS_WRONG:-good}" good
		[ -z "$KILLS_LATE_MS" ] || n_late=$((n_late + 1))
	done
done
tap_ok "all kills but one at most met their campaign" test "$n_late" -le 1
capture_plant "$STACK_FLEET_CAPTURE"
tap_is "the judge of captures finds the one message number that is planted" \
	"$(capture_judge "$STACK_FLEET_CAPTURE" | jq -c '[.ues, .reused]')" "[$STACK_UES,1]"
tap_end
