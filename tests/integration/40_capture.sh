#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A capture of ten deliveries is dissected by an independent tool, and holds no key octets unless
# that was asked for.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

# Ten deliveries of two steps each, the first with two keys. T1 is long, so that a slow machine repeats nothing.
run_ten_deliveries() {
	STACK_CAPTURE=$STACK_DIR/$1.pcap
	STACK_CAPTURE_KEYS=$2
	rm -rf "$STACK_DIR/redis" && mkdir "$STACK_DIR/redis"
	stack_prepare
	stack_start
	stack_import >/dev/null
	stack_campaign_create --sln 1-2
	stack_watch 60 >/dev/null
	# The answers to the last messages from the fleet are in the file, too.
	sleep 1
	stack_stop fleetsim 30
	stack_stop control 10
	stack_stop dataplane 10
	stack_stop redis 10
}

dissect() {
	timeout 120 tshark -n -r "$STACK_DIR/masked.pcap" -o ip.check_checksum:TRUE \
		-o udp.check_checksum:TRUE "$@" 2>/dev/null
}

n_requests_from() {
	dissect -Y "sip.Method == MESSAGE && ip.src == $1" | wc -l
}

# Body parts of one media type in requests from an address.
n_parts() {
	dissect -Y "sip.Method == MESSAGE && ip.src == $1" -T fields -E occurrence=a \
		-E aggregator=' ' -e mime_multipart.header.content-type |
		{ grep -o "application/vnd.3gpp.$2" || true; } | wc -l
}

n_expert() {
	dissect -Y "_ws.expert.severity == $1" | wc -l
}

# Times that 40 zero octets stand in a row, the size of a wrapped 256-bit key.
n_masked_keys() {
	timeout 120 tshark -n -r "$STACK_DIR/$1.pcap" -Y 'sip.Method == MESSAGE' -T fields \
		-e udp.payload 2>/dev/null | { grep -oE '(00){40}' || true; } | wc -l
}

ours=192.0.2.10
theirs=192.0.2.20

tap_plan 14
stack_init capture
STACK_UES=10
STACK_SLNS=2
STACK_T1_MS=4000
run_ten_deliveries masked false
tap_is "ten deliveries have twenty MESSAGEs from us" "$(n_requests_from $ours)" 20
tap_is "and forty from the fleet" "$(n_requests_from $theirs)" 40
tap_is "each of ours has an mcdata-info" "$(n_parts $ours mcdata-info)" 20
tap_is "each of ours has a signalling payload" "$(n_parts $ours mcdata-signalling)" 20
tap_is "each of ours has a data payload" "$(n_parts $ours mcdata-payload)" 20
tap_is "each of the fleet's has an mcdata-info" "$(n_parts $theirs mcdata-info)" 40
tap_is "each of the fleet's has a signalling payload" "$(n_parts $theirs mcdata-signalling)" 40
tap_is "half of the fleet's have a data payload" "$(n_parts $theirs mcdata-payload)" 20
tap_is "every request of ours was accepted with 202" \
	"$(dissect -Y "sip.Status-Code == 202 && ip.src == $theirs" | wc -l)" 20
tap_is "every request of the fleet was answered with 200" \
	"$(dissect -Y "sip.Status-Code == 200 && ip.src == $ours" | wc -l)" 40
tap_is "the dissector finds no error" "$(n_expert error)" 0
tap_is "every checksum is right" \
	"$(dissect -Y 'ip.checksum.status == Bad || udp.checksum.status == Bad' | wc -l)" 0
tap_is "the twenty wrapped keys are masked" "$(n_masked_keys masked)" 20
run_ten_deliveries plain true
tap_is "and shown only when that was asked for" "$(n_masked_keys plain)" 0
tap_end
