# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# stack.sh - starts and stops Redis, fleetsim, fleetkey-dp and fleetkeyd in a folder of their own.
# Sourced by scripts/demo and by the integration tests; the caller has set -euo pipefail.
#
#   stack_init NAME       makes the folder and the exit trap; nothing outlives the caller after this
#   stack_prepare         root key, fleet file and configuration, after the STACK_* settings below
#   stack_start           all four, in the order in which they need each other, and waits until the
#                         dataplane is attached
#   stack_import, stack_campaign_create, stack_watch, stack_settle, stack_books_agree, stack_end
#   stack_kill NAME       SIGKILL to redis, fleetsim, dataplane or control; stack_tend starts it again
#
# Every process is a direct child of the calling script, is bounded in time, and is sent a signal by
# the kernel should the script itself be killed; a watcher removes the folder then, since plain keys
# are in it. Waiting is always done by stack_until or stack_run, which also tend the processes: what
# died of a signal is started again, what ended by itself is a failure with the end of its log. With
# STACK_SUPERVISE the latter is started again, too.

STACK_ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

# Settings; change them between stack_init and stack_prepare.
STACK_UES=1000
STACK_SEED=1
STACK_SLNS=1         # keys that the fleet is to hold in the end
STACK_LOSS=0         # percent of datagrams, each direction
STACK_PACE=50000     # requests a second, repeats included
STACK_APPROVAL=none  # which campaigns a second user has to approve
STACK_BREAK_GLASS=   # uids, with commas, that may zeroize one lost UE alone
STACK_API_GROUP=     # whose members may use the API, too
STACK_T1_MS=500      # of both sides
STACK_WINDOW=4096    # open deliveries
STACK_BACKOFF_MS=2000
STACK_ANSWER_MS=10000
STACK_ATTEMPTS=5
STACK_TRANSPORT_LIMIT= # octets of one KMM; empty: the default
STACK_INFERRED_LAYOUTS=false # Delete-Key and Delete-Keyset may be sent
STACK_IPV6=false     # the wire speaks IPv6 instead of IPv4
STACK_WIRE=          # fleetkey-dp's port, instead of the one that leads to fleetsim
STACK_SIM_WIRE=      # fleetsim's port, instead of the one that leads to fleetkey-dp
STACK_API_SOCKET=    # of the fleetkeyd that is asked, instead of the one that stack_start starts
STACK_LEASE_MS=      # of a node; empty: the default
STACK_PROFILE=C      # of the one next hop: A, B, C, or T2 for that carrier
STACK_CONGESTION_SAFE=false # in profiles A and B and in T2: many MESSAGEs open at a time
STACK_ISD_LAYOUT=$STACK_ROOT/deploy/isd-layout.example # of carrier T2
STACK_NEXT_HOPS=()   # instead of the one: NAME,PORT,PROFILE, then ",401" and the like for a server
                     # that refuses everybody, ",dead" for one that is not there
STACK_HOSTILE=       # fleetsim --hostile
STACK_FLEETSIM_ARGS=() # more options of fleetsim
STACK_FLEET_ARGS=()  # more options of fleetsim make-fleet
STACK_FLEET_CAPTURE= # fleetsim --capture: what has come from the KMF, whole after stack_settle
STACK_CAPTURE=       # fleetkey-dp --capture
STACK_CAPTURE_FRAMES=
STACK_CAPTURE_KEYS=false
STACK_BOUND_S=900    # no process lives longer
STACK_REDIS_PORT=    # TCP port of Redis on 127.0.0.1, beside its socket
STACK_REDIS_ARGS=()  # more options of Redis
STACK_REPLICAS=      # that must have a write
STACK_SENTINEL_PORTS=() # Sentinels on 127.0.0.1 that fleetkeyd asks for the master "fk"
STACK_WAIT_S=        # how long fleetkeyd waits for Redis; empty: the default
STACK_CRYPTOPERIOD_S= # of new TEKs
STACK_CKEK_CRYPTOPERIOD_S= # of new CKEKs
STACK_KEK_CRYPTOPERIOD_S= # of KEKs of UEs that come
STACK_PTEK_CRYPTOPERIOD_S= # the same of protection TEKs
STACK_WITNESS=       # file that knows an older copy of the store
STACK_RECOVERY=      # true: an older copy of the store is recovered by a start itself
STACK_API_PORT=      # loopback port of the API, with the token in api.token
STACK_MEMORY_MB=256  # of each EAL
STACK_EAL_MEMORY=(--no-huge --no-shconf) # how it takes that; see stack_reserve_huge_pages
STACK_HUGE_PAGES_BEFORE= # what the kernel had reserved, if we changed it
STACK_BIN=${FLEETKEY_BIN:-$STACK_ROOT/build}
STACK_KEEP=false     # leave the folder behind
STACK_SUPERVISE=false # start control and dataplane again however they ended
STACK_RESTARTS_MAX=5 # of one process in any 10 seconds

STACK_DIR=
declare -A STACK_PIDS=()     # name -> pid of the process that bounds it
declare -A STACK_RESTARTS=() # name -> how often it was started again
declare -A STACK_RESTARTED_AT=() # name -> when the last ones were, in SECONDS
STACK_FAILED= # the last failure, in words

stack_say() {
	printf '%s: %s\n' "$STACK_NAME" "$*"
}

stack_fail() {
	# shellcheck disable=SC2034 # for the caller
	STACK_FAILED=$*
	printf '%s: %s\n' "$STACK_NAME" "$*" >&2
	return 1
}

stack_init() {
	STACK_NAME=$1
	STACK_DIR=$(mktemp -d "${TMPDIR:-/tmp}/fleetkey-$STACK_NAME.XXXXXX")
	chmod 0700 "$STACK_DIR"
	trap 'stack_cleanup $?' EXIT
	trap 'exit 129' HUP
	trap 'exit 130' INT
	trap 'exit 143' TERM
	# Nobody can trap it, but bash then leaves out its "Killed" notice, which looks like a crash.
	# shellcheck disable=SC2173 # indeed
	trap : KILL
	stack_watch_folder
	# Unix socket paths hold 107 octets.
	[ "${#STACK_DIR}" -le 80 ] || stack_fail "the path of $STACK_DIR is too long for sockets"
	mkdir "$STACK_DIR/run" "$STACK_DIR/redis"
	# EAL keeps its runtime files below this folder instead of /var/run/dpdk.
	export RUNTIME_DIRECTORY=$STACK_DIR/run
	# The caller may be confined to a few CPUs.
	local -a cpus=()
	read -ra cpus <<<"$(stack_cpus)"
	STACK_CPU_OURS=${cpus[0]}
	STACK_CPU_THEIRS=${cpus[1]:-${cpus[0]}}
}

# A process in a session of its own waits until the script and all that it started have closed the
# pipe, however they ended, and removes the folder unless told to keep it.
stack_watch_folder() {
	# shellcheck disable=SC2016 # for the shell that is started
	exec {STACK_LEASE}> >(exec setsid bash -c '
		trap "" HUP INT TERM
		read -r word
		[ "$word" = keep ] || rm -rf "$1"' watch-folder "$STACK_DIR" >/dev/null 2>&1)
	STACK_WATCHER=$!
}

# The CPUs that we may use, one word each.
stack_cpus() {
	local part list
	list=$(taskset -pc $$)
	for part in $(tr ',' ' ' <<<"${list##*: }"); do
		seq "${part%-*}" "${part#*-}"
	done | tr '\n' ' '
}

# The last warning or error of one of our programs; nothing if there is none.
stack_reason() {
	grep -aE '^[0-9T:.-]+Z (error|warn|warning) |^fleetsim: |^EAL: Error|cannot' \
		"$STACK_DIR/$1.log" 2>/dev/null | grep -av '^fleetsim: ready' | tail -n 1 || true
}

# The ends of all logs, and last what our programs complained of: what happened is seldom said by
# the process that failed.
stack_show_logs() {
	local name n reason
	for name in make-fleet redis fleetsim control dataplane; do
		[ -s "$STACK_DIR/$name.log" ] || continue
		n=12
		[ "$name" != redis ] || n=3
		echo "# --- $name.log"
		tail -n "$n" "$STACK_DIR/$name.log" | cut -c 1-300 | sed 's/^/# /'
	done >&2
	[ -z "$STACK_FAILED" ] || echo "$STACK_NAME: $STACK_FAILED" >&2
	for name in fleetsim control dataplane; do
		reason=$(stack_reason "$name")
		[ -z "$reason" ] || echo "$STACK_NAME: the last that $name complained of: $reason" >&2
	done
}

stack_cleanup() {
	local status=$1 name
	trap - EXIT
	trap '' HUP INT TERM
	set +e
	for name in fleetsim control dataplane redis "${!STACK_PIDS[@]}"; do
		stack_stop "$name" 5
	done
	[ -z "${STACK_JOB:-}" ] || { kill "$STACK_JOB" && wait "$STACK_JOB"; } 2>/dev/null
	stack_return_huge_pages
	[ "$status" -eq 0 ] || stack_show_logs
	if $STACK_KEEP; then
		stack_say "left behind: $STACK_DIR"
		echo keep >&"$STACK_LEASE"
	else
		rm -rf "$STACK_DIR"
	fi
	# Whatever still holds the pipe open must not hold us up.
	exec {STACK_LEASE}>&-
	for _ in $(seq 40); do
		kill -0 "$STACK_WATCHER" 2>/dev/null || break
		sleep 0.05
	done
	exit "$status"
}

# Has both EALs take their memory in huge pages, as on a machine that serves a fleet. They are
# reserved here and given back at the end; false, and nothing is changed, if that is not allowed or
# there is no room for them.
stack_reserve_huge_pages() {
	local file=/proc/sys/vm/nr_hugepages before
	grep -q '^Hugepagesize: *2048 kB' /proc/meminfo && [ -w "$file" ] || return 1
	before=$(<"$file")
	STACK_HUGE_PAGES_BEFORE=$before
	echo $((before + STACK_MEMORY_MB)) >"$file"
	if [ "$(awk '$1 == "HugePages_Free:" { print $2 }' /proc/meminfo)" -lt "$STACK_MEMORY_MB" ]; then
		stack_return_huge_pages
		return 1
	fi
	STACK_EAL_MEMORY=(--in-memory --single-file-segments)
}

stack_return_huge_pages() {
	[ -n "$STACK_HUGE_PAGES_BEFORE" ] || return 0
	echo "$STACK_HUGE_PAGES_BEFORE" >/proc/sys/vm/nr_hugepages
	STACK_HUGE_PAGES_BEFORE=
}

# stack_status COMMAND...: its exit status, and all that it said in $STACK_DIR/out.
stack_status() {
	local status=0
	"$@" >"$STACK_DIR/out" 2>&1 || status=$?
	echo "$status"
}

# A TCP port that nobody listens on.
stack_free_port() {
	local port
	for port in $(shuf -i 20000-60000 -n 50); do
		if ! (: <"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
			echo "$port"
			return
		fi
	done
	return 1
}

# stack_spawn NAME CPU COMMAND...
stack_spawn() {
	local name=$1 cpu=$2
	shift 2
	setpriv --pdeathsig TERM timeout --kill-after=10 "$STACK_BOUND_S" \
		setpriv --pdeathsig KILL taskset -c "$cpu" "$@" \
		>>"$STACK_DIR/$name.log" 2>&1 </dev/null &
	STACK_PIDS[$name]=$!
}

# The pid of the program itself, not of the one that bounds it; nothing if it is not there.
stack_pid() {
	[ -z "${STACK_PIDS[$1]:-}" ] || pgrep -P "${STACK_PIDS[$1]}" || true
}

stack_alive() {
	[ -n "${STACK_PIDS[$1]:-}" ] && kill -0 "${STACK_PIDS[$1]}" 2>/dev/null
}

# stack_stop NAME SECONDS: SIGTERM, then SIGKILL. Sets STACK_STATUS to how it ended.
stack_stop() {
	local name=$1 seconds=$2 pid=${STACK_PIDS[$1]:-} i
	STACK_STATUS=0
	[ -n "$pid" ] || return 0
	unset "STACK_PIDS[$name]"
	kill -TERM "$pid" 2>/dev/null || true
	for ((i = 0; i < seconds * 20; i++)); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.05
	done
	pkill -KILL -P "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || STACK_STATUS=$?
}

stack_kill() {
	local pid
	pid=$(stack_pid "$1")
	[ -n "$pid" ] || stack_fail "$1 is not running"
	kill -KILL "$pid"
}

# stack_kill_hold NAME: the same, and it stays dead until stack_start_NAME.
stack_kill_hold() {
	local pid=${STACK_PIDS[$1]}
	stack_kill "$1"
	unset "STACK_PIDS[$1]"
	wait "$pid" 2>/dev/null || true
}

stack_start_redis() {
	stack_spawn redis "$STACK_CPU_OURS" redis-server --port "${STACK_REDIS_PORT:-0}" \
		--bind 127.0.0.1 \
		--unixsocket "$STACK_DIR/redis.sock" --unixsocketperm 700 --dir "$STACK_DIR/redis" \
		--appendonly yes --appendfsync "${STACK_APPENDFSYNC:-always}" --save '' \
		--maxmemory-policy noeviction --auto-aof-rewrite-min-size 1gb --daemonize no \
		"${STACK_REDIS_ARGS[@]}"
}

# stack_address kmf|server: the two ends of the wire.
stack_address() {
	local -A ipv4=([kmf]=192.0.2.10 [server]=192.0.2.20)
	local -A ipv6=([kmf]=2001:db8::10 [server]=2001:db8::20)
	if $STACK_IPV6; then
		echo "${ipv6[$1]}"
	else
		echo "${ipv4[$1]}"
	fi
}

# True if a next hop has carrier T2.
stack_has_t2() {
	[[ " ${STACK_NEXT_HOPS[*]:-,,$STACK_PROFILE} " =~ ,T2[\ ,] ]]
}

stack_start_fleetsim() {
	local -a extra=()
	local hop
	[ -z "$STACK_HOSTILE" ] || extra+=(--hostile "$STACK_HOSTILE")
	extra+=(--profile "$STACK_PROFILE")
	! stack_has_t2 || extra+=(--isd-layout "$STACK_ISD_LAYOUT")
	for hop in "${STACK_NEXT_HOPS[@]}"; do
		[ "${hop##*,}" = dead ] || extra+=(--next-hop "$hop")
	done
	[ -z "$STACK_FLEET_CAPTURE" ] || extra+=(--capture "$STACK_FLEET_CAPTURE")
	rm -f "$STACK_DIR/fleetsim.ready"
	stack_spawn fleetsim "$STACK_CPU_THEIRS" "$STACK_BIN/fleetsim" run \
		--fleet "$STACK_DIR/fleet.csv" --ip "$(stack_address server)" --loss "$STACK_LOSS" \
		--seed "$STACK_SEED" --t1-ms "$STACK_T1_MS" --idle sleep --keys "$STACK_SLNS" \
		--report "$STACK_DIR/fleetsim.json" --book "$STACK_DIR/fleetsim.book" \
		--refusals "$STACK_DIR/fleetsim.refusals" \
		--ready-file "$STACK_DIR/fleetsim.ready" "${extra[@]}" "${STACK_FLEETSIM_ARGS[@]}" -- \
		--lcores "0@$STACK_CPU_THEIRS,1@$STACK_CPU_THEIRS" --no-pci "${STACK_EAL_MEMORY[@]}" \
		-m "$STACK_MEMORY_MB" --file-prefix="fleetsim-$$" \
		"${STACK_SIM_WIRE:---vdev=net_virtio_user0,path=$STACK_DIR/wire.sock,server=1,queues=1,queue_size=1024,packed_vq=1,in_order=1,mrg_rxbuf=0}"
}

stack_start_dataplane() {
	local -a extra=(--ip "$(stack_address kmf)/24")
	! $STACK_IPV6 || extra=(--ip6 "$(stack_address kmf)/64")
	[ -z "$STACK_CAPTURE" ] || extra+=(--capture "$STACK_CAPTURE")
	! $STACK_CAPTURE_KEYS || extra+=(--capture-keys)
	[ -z "$STACK_CAPTURE_FRAMES" ] || extra+=(--capture-frames "$STACK_CAPTURE_FRAMES")
	stack_spawn dataplane "$STACK_CPU_OURS" "$STACK_BIN/fleetkey-dp" \
		--link "$STACK_DIR/link.sock" --idle sleep "${extra[@]}" -- \
		--lcores "0@$STACK_CPU_OURS,1@$STACK_CPU_OURS" --no-pci "${STACK_EAL_MEMORY[@]}" \
		-m "$STACK_MEMORY_MB" --file-prefix="fleetkey-$$" \
		"${STACK_WIRE:---vdev=net_vhost0,iface=$STACK_DIR/wire.sock,client=1,queues=1}"
}

stack_start_control() {
	stack_spawn control "$STACK_CPU_OURS" "$STACK_BIN/fleetkeyd" \
		--config "$STACK_DIR/fleetkeyd.yaml"
}

# stack_may_restart NAME STATUS
stack_may_restart() {
	local name=$1 status=$2 at n=0
	# 124 is the bound of its time.
	[ "$status" -ne 124 ] || return 1
	if [ "$status" -le 128 ]; then
		$STACK_SUPERVISE && [[ $name = control || $name = dataplane ]] || return 1
	fi
	for at in ${STACK_RESTARTED_AT[$name]:-}; do
		[ $((SECONDS - at)) -ge 10 ] || n=$((n + 1))
	done
	[ "$n" -lt "$STACK_RESTARTS_MAX" ]
}

# Starts again what may be; else it is a failure that something has ended.
stack_tend() {
	local name pid status how
	for name in "${!STACK_PIDS[@]}"; do
		pid=${STACK_PIDS[$name]}
		! kill -0 "$pid" 2>/dev/null || continue
		status=0
		wait "$pid" 2>/dev/null || status=$?
		unset "STACK_PIDS[$name]"
		how="ended by itself with status $status"
		[ "$status" -le 128 ] || how="was killed by signal $((status - 128))"
		if ! stack_may_restart "$name" "$status"; then
			[ -z "${STACK_RESTARTED_AT[$name]:-}" ] ||
				how+=", after ${STACK_RESTARTS[$name]} restarts"
			stack_fail "$name $how"
			return 1
		fi
		stack_say "$name $how; starting it again"
		STACK_RESTARTS[$name]=$((${STACK_RESTARTS[$name]:-0} + 1))
		STACK_RESTARTED_AT[$name]="${STACK_RESTARTED_AT[$name]:-} $SECONDS"
		"stack_start_$name"
	done
}

# stack_until SECONDS WHAT COMMAND...: tends until COMMAND succeeds.
stack_until() {
	local seconds=$1 what=$2 end told_at=$((SECONDS + 3)) name reason
	shift 2
	end=$((SECONDS + seconds))
	until "$@" >/dev/null 2>&1; do
		stack_tend || return 1
		if [ "$SECONDS" -ge "$told_at" ]; then
			told_at=$((end + 1))
			for name in fleetsim control dataplane; do
				reason=$(stack_reason "$name")
				[ -z "$reason" ] || stack_say "no $what yet; $name says: $reason"
			done
		fi
		if [ "$SECONDS" -ge "$end" ]; then
			stack_fail "no $what within $seconds s"
			return 1
		fi
		sleep 0.05
	done
}

# stack_run SECONDS COMMAND...: runs COMMAND to its end, tending; returns its status.
stack_run() {
	local seconds=$1 status=0
	shift
	setpriv --pdeathsig TERM timeout --kill-after=5 "$seconds" "$@" </dev/null &
	STACK_JOB=$!
	while kill -0 "$STACK_JOB" 2>/dev/null; do
		if ! stack_tend; then
			kill "$STACK_JOB" 2>/dev/null || true
			wait "$STACK_JOB" 2>/dev/null || true
			STACK_JOB=
			return 1
		fi
		sleep 0.05
	done
	wait "$STACK_JOB" || status=$?
	STACK_JOB=
	return "$status"
}

stack_ctl() {
	timeout 120 "$STACK_BIN/fleetkeyctl" --socket "${STACK_API_SOCKET:-$STACK_DIR/api.sock}" "$@"
}

# The one line that says where Redis is.
stack_config_redis() {
	local list
	if [ ${#STACK_SENTINEL_PORTS[@]} -eq 0 ]; then
		echo "redis_socket: $STACK_DIR/redis.sock"
	else
		list=$(printf ', 127.0.0.1:%s' "${STACK_SENTINEL_PORTS[@]}")
		printf 'sentinels: [%s]\n  master_name: fk\n' "${list#, }"
	fi
}

stack_config() {
	cat <<-EOF
		kmf:
		  rsi: 9999999
		  uri: sip:kmf@mc.example
		store:
		  $(stack_config_redis)
		${STACK_WAIT_S:+  wait_s: $STACK_WAIT_S}
		${STACK_REPLICAS:+  replicas: $STACK_REPLICAS}
		${STACK_WITNESS:+  witness_file: $STACK_WITNESS}
		keys:
		  root_key_file: $STACK_DIR/root.key
		${STACK_CRYPTOPERIOD_S:+  tek_cryptoperiod_s: $STACK_CRYPTOPERIOD_S}
		${STACK_CKEK_CRYPTOPERIOD_S:+  ckek_cryptoperiod_s: $STACK_CKEK_CRYPTOPERIOD_S}
		${STACK_KEK_CRYPTOPERIOD_S:+  kek_cryptoperiod_s: $STACK_KEK_CRYPTOPERIOD_S}
		${STACK_PTEK_CRYPTOPERIOD_S:+  ptek_cryptoperiod_s: $STACK_PTEK_CRYPTOPERIOD_S}
		link:
		  socket: $STACK_DIR/link.sock
		${STACK_LEASE_MS:+  lease_ms: $STACK_LEASE_MS}
		api:
		  socket: $STACK_DIR/api.sock
		${STACK_API_GROUP:+  socket_group: $STACK_API_GROUP}
		${STACK_API_PORT:+  loopback_port: $STACK_API_PORT}
		${STACK_API_PORT:+  token_file: $STACK_DIR/api.token}
		sip:
		  t1_ms: $STACK_T1_MS
		  t2_ms: $((STACK_T1_MS * 8))
		  # fleetsim is the next hop itself: no proxy adds a Via on the way.
		  proxy_slack: 0
		kmm:
		  inferred_layouts: $STACK_INFERRED_LAYOUTS
		${STACK_TRANSPORT_LIMIT:+  transport_limit: $STACK_TRANSPORT_LIMIT}
		campaign:
		  pace_per_s: $STACK_PACE
		  approval: $STACK_APPROVAL
		${STACK_BREAK_GLASS:+  break_glass_uids: [$STACK_BREAK_GLASS]}
		  window: $STACK_WINDOW
		  attempts_max: $STACK_ATTEMPTS
		  answer_timeout_ms: $STACK_ANSWER_MS
		  retry_backoff_ms: $STACK_BACKOFF_MS
	EOF
	[ -z "$STACK_RECOVERY" ] || printf 'recovery:\n  automatic: %s\n' "$STACK_RECOVERY"
	! stack_has_t2 || printf 'isd:\n  layout_file: %s\n' "$STACK_ISD_LAYOUT"
	stack_config_next_hops
}

# fleetsim's servers, as fleetsim names them.
stack_config_next_hops() {
	local hop name port profile user way
	echo "next_hops:"
	for hop in "${STACK_NEXT_HOPS[@]:-nh1,5060,$STACK_PROFILE}"; do
		IFS=, read -r name port profile _ <<<"$hop"
		user=mcdata way="profile: $profile"
		[ "$profile" != T2 ] || user=mcptt way="carrier: T2"
		[ ${#STACK_NEXT_HOPS[@]} -eq 0 ] || user+=-$name
		printf '  - name: %s\n    address: %s\n    port: %s\n    %s\n' \
			"$name" "$(stack_address server)" "$port" "$way"
		printf '    psi: sip:%s@mc.example\n    congestion_safe: %s\n' \
			"$user" "$STACK_CONGESTION_SAFE"
	done
}

# The names of the next hops, as fleetsim make-fleet takes them.
stack_next_hop_names() {
	local hop names=
	for hop in "${STACK_NEXT_HOPS[@]:-nh1}"; do
		names+="${names:+;}${hop%%,*}"
	done
	echo "$names"
}

stack_prepare() {
	(umask 077 && head -c 32 /dev/urandom >"$STACK_DIR/root.key" &&
		head -c 24 /dev/urandom | base64 >"$STACK_DIR/api.token")
	timeout 300 "$STACK_BIN/fleetsim" make-fleet --ues "$STACK_UES" --seed "$STACK_SEED" \
		--next-hop "$(stack_next_hop_names)" --out "$STACK_DIR/fleet.csv" \
		"${STACK_FLEET_ARGS[@]}" >"$STACK_DIR/make-fleet.log" 2>&1 || {
		cat "$STACK_DIR/make-fleet.log" >&2
		stack_fail "no fleet file could be made"
	}
	stack_config >"$STACK_DIR/fleetkeyd.yaml"
}

stack_redis_answers() {
	[ "$(timeout 5 redis-cli -s "$STACK_DIR/redis.sock" ping 2>/dev/null)" = PONG ]
}

stack_attached() {
	stack_ctl dataplane show --json | jq -e '.attached'
}

stack_start() {
	stack_start_redis
	stack_until 20 "answer from Redis" stack_redis_answers
	# fleetsim listens on the wire's socket, so it comes before fleetkey-dp.
	stack_start_fleetsim
	stack_until 60 "fleetsim" test -e "$STACK_DIR/fleetsim.ready"
	stack_start_control
	stack_until 60 "answer from fleetkeyd" stack_ctl health
	stack_start_dataplane
	stack_until 30 "attached dataplane" stack_attached
}

stack_import() {
	stack_run 300 "$STACK_BIN/fleetkeyctl" --socket "${STACK_API_SOCKET:-$STACK_DIR/api.sock}" \
		fleet import "$STACK_DIR/fleet.csv" --allow-plain-keys "$@"
}

# Another stack with a fleet in the same folder, the one before having ended. The dataplane attaches
# anew to the fleet; until it has, sizes are not known.
stack_begin_anew() {
	rm -rf "$STACK_DIR/redis"
	rm -f "$STACK_DIR"/*.sock "$STACK_DIR"/*.json "$STACK_DIR"/*.book
	mkdir "$STACK_DIR/redis"
	stack_prepare
	stack_start
	stack_import >/dev/null
	stack_until 30 "attached dataplane" stack_attached
}

# Sets STACK_CAMPAIGN. Arguments go to fleetkeyctl campaign create.
stack_campaign_create() {
	stack_until 30 "attached dataplane" stack_attached
	STACK_CAMPAIGN=$(stack_ctl campaign create --json "$@" | jq -r '.id') ||
		stack_fail "the campaign was not accepted"
}

# True once N deliveries are acknowledged and durable.
stack_acked_is_at_least() {
	[ "$(stack_campaign_get .acked)" -ge "$1" ]
}

# Members of the campaign's object, by a jq filter.
stack_campaign_get() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --json | jq -r "$1"
}

stack_campaign_is_over() {
	[[ $(stack_campaign_get .state) =~ ^(completed|aborted)$ ]]
}

stack_watch() {
	stack_run "${1:-$STACK_BOUND_S}" "$STACK_BIN/fleetkeyctl" \
		--socket "${STACK_API_SOCKET:-$STACK_DIR/api.sock}" campaign watch "$STACK_CAMPAIGN"
}

# Takes control's books and counters, then ends fleetsim and takes the fleet's.
stack_settle() {
	stack_ctl campaign show "$STACK_CAMPAIGN" --json >"$STACK_DIR/campaign.json"
	stack_ctl campaign report "$STACK_CAMPAIGN" --json >"$STACK_DIR/campaign-report.json"
	stack_ctl campaign show "$STACK_CAMPAIGN" --deliveries --json >"$STACK_DIR/control.book"
	stack_ctl dataplane show --json >"$STACK_DIR/dataplane.json"
	stack_stop fleetsim 60
	[ "$STACK_STATUS" -eq 0 ] || {
		tail -n 20 "$STACK_DIR/fleetsim.log" >&2
		stack_fail "fleetsim ended with status $STACK_STATUS"
	}
	[ -s "$STACK_DIR/fleetsim.json" ] || stack_fail "fleetsim left no report"
}

# Ends what is left; each must end well when it is told to.
stack_end() {
	local name
	for name in control dataplane redis; do
		stack_stop "$name" 30
		[ "$STACK_STATUS" -eq 0 ] || stack_fail "$name ended with status $STACK_STATUS"
	done
}

# One line per UE and key that is held: control's word and the fleet's word, in one form.
# True if they agree line by line; else the first differences are printed.
stack_books_agree() {
	jq -r '. as $d | .keys[] | select(.state == "held") |
		[$d.ue_id, $d.keyset_id, .sln, $d.algorithm_id, .key_id, $d.proven] | @csv' \
		"$STACK_DIR/control.book" | LC_ALL=C sort >"$STACK_DIR/control.csv" || return 1
	jq -r '[.ue_id, .keyset_id, .sln, .algorithm_id, .key_id, .verified] | @csv' \
		"$STACK_DIR/fleetsim.book" | LC_ALL=C sort >"$STACK_DIR/fleetsim.csv" || return 1
	! cmp -s "$STACK_DIR/control.csv" "$STACK_DIR/fleetsim.csv" || return 0
	echo "the books differ; < control's word, > the fleet's:" >&2
	diff "$STACK_DIR/control.csv" "$STACK_DIR/fleetsim.csv" | grep '^[<>]' | head -n 10 >&2 || true
	return 1
}

# What control says of every key of every UE; before stack_settle ends fleetsim.
stack_take_currency() {
	stack_ctl holders --json >"$STACK_DIR/control.currency"
}

# control_keys STATE...: one line for each UE and key of which control says that.
stack_control_keys() {
	jq -r '. as $u | .keys[] | select(.state as $s | $ARGS.positional | index($s)) |
		[$u.ue_id, .keyset_id, .sln, .algorithm_id, .key_id] | @csv' \
		"$STACK_DIR/control.currency" --args "$@" | LC_ALL=C sort
}

# Control's currency against the fleet's book, key by key: what control calls held is held, and what
# is held control calls held, or admits not to know. Prints what is wrong.
stack_currency_agrees() {
	jq -r '[.ue_id, .keyset_id, .sln, .algorithm_id, .key_id] | @csv' \
		"$STACK_DIR/fleetsim.book" | LC_ALL=C sort >"$STACK_DIR/fleetsim.keys" || return 1
	stack_control_keys held >"$STACK_DIR/control.held" || return 1
	stack_control_keys held possibly_held unknown >"$STACK_DIR/control.perhaps" || return 1
	LC_ALL=C comm -23 "$STACK_DIR/control.held" "$STACK_DIR/fleetsim.keys" |
		sed 's/^/called held, but is not: /' >"$STACK_DIR/currency.diff"
	LC_ALL=C comm -13 "$STACK_DIR/control.perhaps" "$STACK_DIR/fleetsim.keys" |
		sed 's/^/is held, but not called so: /' >>"$STACK_DIR/currency.diff"
	[ -s "$STACK_DIR/fleetsim.keys" ] && [ ! -s "$STACK_DIR/currency.diff" ] && return 0
	head -n 10 "$STACK_DIR/currency.diff" >&2
	return 1
}

# A dataplane counter, after stack_settle or from a running stack.
stack_counter() {
	stack_ctl dataplane show --json | jq -r --arg name "$1" '.counters[$name] // 0'
}
