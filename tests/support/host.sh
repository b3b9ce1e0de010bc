# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# host.sh - the machine and the commit as one JSON object, for reports with figures. Sourced.

host_json() {
	local model
	model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
	jq -n --arg cpu "${model:-$(uname -m)}" --argjson cores "$(nproc)" \
		--argjson memory "$(awk '/^MemTotal:/ { print $2 * 1024 }' /proc/meminfo)" \
		--arg kernel "$(uname -sr)" \
		--arg system "$(. /etc/os-release 2>/dev/null && echo "${PRETTY_NAME:-}")" \
		--arg dpdk "$(pkg-config --modversion libdpdk 2>/dev/null || true)" \
		--arg redis "$(redis-server --version | sed -n 's/.* v=\([^ ]*\).*/\1/p')" \
		--arg commit "$(git rev-parse --short HEAD 2>/dev/null || true)" \
		'{cpu: $cpu, cores: $cores, memory: $memory, kernel: $kernel, system: $system,
		  dpdk: $dpdk, redis: $redis, commit: $commit}'
}
