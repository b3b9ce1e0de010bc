#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# A campaign over IPv6 with losses; what its wire looks like to an independent tool; and what the
# kernel's own IPv6 stack, as next hop and neighbour of the dataplane, makes of it.
#
# Everything runs in a network namespace of its own, which ends with the script.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
. tests/support/tap.sh

if [ "${1:-}" != inside ]; then
	[ "$(id -u)" -ne 0 ] || exec unshare --net "$0" inside
	exec unshare --map-root-user --net "$0" inside
fi
# shellcheck source=tests/support/stack.sh
. tests/support/stack.sh

ours=2001:db8::10
theirs=2001:db8::20

n_of() {
	jq "$1" "$STACK_DIR/$2"
}

dissect() {
	timeout 120 tshark -n -r "$STACK_DIR/six.pcap" -o udp.check_checksum:TRUE "$@" 2>/dev/null
}

n_frames() {
	dissect -Y "$1" | wc -l
}

# inspect KIND: messages of that kind that fleetkey-inspect finds on the way between the two ends.
n_inspected() {
	"$STACK_BIN/fleetkey-inspect" pcap "$STACK_DIR/six.pcap" | jq -s --arg from "[$1]:" \
		'[.[] | select(.source | startswith($from)) | select(.error == null)] | length'
}

# A fresh stack; what the last one left is gone.
begin() {
	rm -rf "$STACK_DIR/redis" && mkdir "$STACK_DIR/redis"
	stack_prepare
	stack_start
	stack_import >/dev/null
}

loss() {
	STACK_UES=2000
	STACK_LOSS=5
	STACK_T1_MS=100
	STACK_BACKOFF_MS=200
	STACK_ANSWER_MS=2000
	STACK_ATTEMPTS=20
	begin
	stack_campaign_create
	tap_ok "a campaign over IPv6 with 5 % loss completes" stack_watch 240
	stack_settle
	stack_end
	tap_is "every UE acknowledged" "$(n_of .acked campaign.json)" 2000
	tap_is "the fleet verified every UE" "$(n_of .verified fleetsim.json)" 2000
	tap_is "no message number was used twice" "$(n_of .message_number_reused fleetsim.json)" 0
	tap_is "the fleet saw nothing malformed" "$(n_of .malformed fleetsim.json)" 0
	tap_ok "the books agree" stack_books_agree
	tap_ok "neighbours were found without ARP" \
		jq -e '.counters | .tx_nd > 0 and .rx_nd > 0 and .tx_arp == 0' "$STACK_DIR/dataplane.json"
	tap_is "no datagram was refused for its checksum" \
		"$(n_of .counters.rx_bad_checksum dataplane.json)" 0
}

capture() {
	STACK_UES=10
	STACK_LOSS=0
	STACK_T1_MS=4000
	STACK_CAPTURE=$STACK_DIR/six.pcap
	begin
	stack_campaign_create
	stack_watch 60 >/dev/null
	sleep 1
	stack_settle
	stack_end
	tap_is "ten deliveries have twenty MESSAGEs from us" \
		"$(n_frames "sip.Method == MESSAGE && ipv6.src == $ours")" 20
	tap_is "with our address in brackets in each Via" \
		"$(n_frames "sip.Method == MESSAGE && sip.Via contains \"UDP [$ours]:5070;\"")" 20
	tap_is "and forty from the fleet" \
		"$(n_frames "sip.Method == MESSAGE && ipv6.src == $theirs")" 40
	tap_is "the dissector finds no error" "$(n_frames '_ws.expert.severity == error')" 0
	tap_is "every checksum is right" "$(n_frames \
		'udp.checksum.status == Bad || icmpv6.checksum.status == Bad')" 0
	tap_ok "we asked who the next hop is, and were told" [ "$(n_frames \
		"icmpv6.nd.ns.target_address == $theirs || icmpv6.nd.na.target_address == $theirs")" -ge 2 ]
	tap_is "fleetkey-inspect reads as many messages of ours and the fleet's" \
		"$(n_inspected $ours) $(n_inspected $theirs)" "60 60"
	STACK_CAPTURE=
}

kernel_counter() {
	awk -v name="$1" '$1 == name { print $2 }' /proc/net/snmp6
}

kernel_has_no_port_for_us() {
	[ "$(kernel_counter Udp6NoPorts)" -gt 0 ]
}

# /sys shows the namespace that it was mounted in.
mac_of() {
	ip -json link show "$1" | jq -r '.[0].address'
}

is_neighbour() {
	ip -6 neighbour show "$ours" dev vb | grep -F "lladdr $(mac_of va)"
}

# The dataplane on one end of a veth, the kernel with the next hop's address on the other.
kernel() {
	STACK_UES=10
	ip link set lo up
	ip link add va type veth peer name vb
	sysctl -qw net.ipv6.conf.va.disable_ipv6=1
	sysctl -qw net.ipv6.conf.vb.dad_transmits=0
	ip link set va up
	ip link set vb up
	ip -6 address add "$theirs/64" dev vb
	STACK_WIRE="--vdev=net_af_packet0,iface=va"
	rm -rf "$STACK_DIR/redis" && mkdir "$STACK_DIR/redis"
	stack_prepare
	stack_start_redis
	stack_until 20 "answer from Redis" stack_redis_answers
	stack_start_control
	stack_until 60 "answer from fleetkeyd" stack_ctl health
	stack_start_dataplane
	stack_until 30 "attached dataplane" stack_attached
	tap_ok "the kernel finds us and gets its echoes back" \
		timeout 60 ping -6 -q -c 5 -i 0.2 -W 5 "$ours"
	tap_ok "large ones, too" timeout 60 ping -6 -q -c 3 -i 0.2 -W 5 -s 1400 "$ours"
	tap_ok "also under our link-local address" timeout 60 ping -6 -q -c 3 -i 0.2 -W 5 \
		"$(link_local_of va)%vb"
	tap_ok "we are its neighbour under our Ethernet address" is_neighbour
	tap_not "duplicate address detection tells the kernel that ours is taken" \
		takes_address "$ours"
	stack_import >/dev/null
	stack_campaign_create
	tap_ok "we find the kernel, and our datagrams reach its UDP" \
		stack_until 20 "UDP datagram in the kernel" kernel_has_no_port_for_us
	tap_is "with right checksums" "$(kernel_counter Udp6InCsumErrors)$(kernel_counter \
		Icmp6InCsumErrors)" 00
	stack_stop control 10
	stack_stop dataplane 10
	stack_stop redis 10
}

# The address that RFC 4291 makes of an interface's Ethernet address.
link_local_of() {
	local -a m
	IFS=: read -ra m <<<"$(mac_of "$1")"
	printf 'fe80::%02x%s:%sff:fe%s:%s%s' $((16#${m[0]} ^ 2)) "${m[1]}" "${m[2]}" "${m[3]}" \
		"${m[4]}" "${m[5]}"
}

# True if the kernel may have the address: nobody answered its probe.
takes_address() {
	local status=0
	sysctl -qw net.ipv6.conf.vb.dad_transmits=1
	ip -6 address add "$1/128" dev vb
	sleep 2.5
	! ip -6 address show dev vb | grep -F "$1/128" | grep dadfailed || status=1
	ip -6 address del "$1/128" dev vb
	return "$status"
}

tap_plan 22
stack_init ipv6
STACK_IPV6=true
loss
capture
kernel
tap_end
