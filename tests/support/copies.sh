# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# copies.sh - what tests of older copies of the store ask of it. Sourced, after stack.sh.

start_redis() {
	stack_start_redis
	stack_until 20 "answer from Redis" stack_redis_answers
}

# start_control [OPTION]: until it answers and the dataplane is attached.
start_control() {
	stack_spawn control "$STACK_CPU_OURS" "$STACK_BIN/fleetkeyd" \
		--config "$STACK_DIR/fleetkeyd.yaml" "$@"
	stack_until 20 "answer from fleetkeyd" stack_ctl health
	stack_until 20 "attached dataplane" stack_attached
}

campaign_ends() {
	stack_campaign_create "$@"
	stack_until 60 "end of the campaign" stack_campaign_is_over
}

# counted STATE KEY: how many UEs are in that state.
counted() {
	stack_ctl holders --key "$2" --count --json | jq ".$1"
}

key() {
	stack_campaign_get "\"\(.slns[0]):\(.algorithm_id):\(.key_ids[0])\""
}

store() {
	stack_ctl store show --json | jq -r "$1"
}
