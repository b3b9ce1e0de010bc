# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
#
# processor.sh - the processor's time that the stack's processes take, as the kernel accounts for it.
# Sourced after stack.sh. Nothing is started to look at it, except when a process is new.

declare -A PROCESSOR_PID=() PROCESSOR_BOUNDED_BY=() PROCESSOR_SEEN=() PROCESSOR_BASE=() PROCESSOR_SUM=()

# processor_of PID: nanoseconds of all its threads, in PROCESSOR_NS; 0 if it is gone.
processor_of() {
	local task ns rest
	PROCESSOR_NS=0
	for task in /proc/"$1"/task/*/schedstat; do
		read -r ns rest <"$task" && PROCESSOR_NS=$((PROCESSOR_NS + ns))
	done 2>/dev/null
	: "$rest"
}

# processor_note NAME...: adds up what each has taken since the first note, over restarts: what a
# process took between the last note and its end is not known.
processor_note() {
	local name
	for name in "$@"; do
		[ -n "${STACK_PIDS[$name]:-}" ] || continue
		if [ "${PROCESSOR_BOUNDED_BY[$name]:-}" != "${STACK_PIDS[$name]}" ]; then
			PROCESSOR_PID[$name]=$(stack_pid "$name")
			[ -n "${PROCESSOR_PID[$name]}" ] || continue
			PROCESSOR_BOUNDED_BY[$name]=${STACK_PIDS[$name]}
			PROCESSOR_SUM[$name]=$((${PROCESSOR_SUM[$name]:-0} + ${PROCESSOR_SEEN[$name]:-0} - \
				${PROCESSOR_BASE[$name]:-0}))
			processor_of "${PROCESSOR_PID[$name]}"
			# What the first has done before is not counted, all that a restarted one does is.
			[ -n "${PROCESSOR_SEEN[$name]:-}" ] && PROCESSOR_BASE[$name]=0 ||
				PROCESSOR_BASE[$name]=$PROCESSOR_NS
			PROCESSOR_SEEN[$name]=$PROCESSOR_NS
			continue
		fi
		processor_of "${PROCESSOR_PID[$name]}"
		[ "$PROCESSOR_NS" -eq 0 ] || PROCESSOR_SEEN[$name]=$PROCESSOR_NS
	done
}

# processor_taken NAME: nanoseconds since the first note, in PROCESSOR_NS.
processor_taken() {
	PROCESSOR_NS=$((${PROCESSOR_SUM[$1]:-0} + ${PROCESSOR_SEEN[$1]:-0} - ${PROCESSOR_BASE[$1]:-0}))
}
