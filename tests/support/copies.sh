# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# copies.sh - what tests of older copies of the store ask of it. Sourced, after stack.sh.

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
