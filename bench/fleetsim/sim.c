/* SPDX-License-Identifier: Apache-2.0 */
/* sim.c - see sim.h. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "hostile.h"
#include "ready.h"
#include "report.h"
#include "server.h"
#include "sim.h"
#include "wire/xml.h"
#include "wire_port.h"

#define SLOTS_MIN     1024u
#define SLOTS_MAX     65536u
#define IDLE_POLLS    200 /* empty polls before the worker begins to sleep */
#define IDLE_SLEEP_US 50
#define WAIT_STEP_MS  100

struct sim {
	const struct fk_sim_options *options;
	struct fk_fleet fleet;
	struct fk_sim_counts counts;
	struct fk_hostile hostile;
	struct fk_insider insider;
	struct fk_lies lies;
	struct fk_traits traits;
	struct fk_radio radio;
	struct fk_txns *txns;
	struct fk_server server;
	struct fk_wire_port port;
	struct fk_sim_capture capture;
	struct fk_ready ready;
	struct fk_face faces[FK_FACES_MAX];
	uint32_t n_faces;
	atomic_bool stop;
};

static volatile sig_atomic_t n_signals; /* while EAL starts, which may wait for its peer */

static void note_signal(int signal_number)
{
	(void)signal_number;
	n_signals = 1;
}

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int worker_main(void *arg)
{
	struct sim *sim = arg;
	struct fk_server *server = &sim->server;
	const struct fk_wire_receiver receiver = {
		.arg = server,
		.deliver = fk_server_receive,
		.guess = fk_server_guess,
		.expect = fk_server_expect,
		.prepare = fk_server_prepare,
	};
	uint32_t n_idle = 0;

	while (!atomic_load_explicit(&sim->stop, memory_order_relaxed)) {
		server->now_ms = clock_ms(CLOCK_MONOTONIC_COARSE);
		sim->port.now_ms = server->now_ms;

		uint32_t n = fk_wire_port_receive(&sim->port, &receiver);

		/* What is begun already goes before what is not. */
		fk_txns_advance(sim->txns, server->now_ms);
		fk_server_tick(server);
		fk_wire_port_flush(&sim->port);
		if (n > 0 || sim->port.n_pending > 0) {
			n_idle = 0;
			server->date_time_s = clock_ms(CLOCK_REALTIME_COARSE) / 1000;
		} else if (!sim->options->idle_poll && ++n_idle > IDLE_POLLS) {
			usleep(IDLE_SLEEP_US);
		}
	}
	return 0;
}

/* The radio in the wrong hands, if one was named. */
static bool setup_insider(struct sim *sim)
{
	const char *wanted = sim->options->insider;
	struct fk_fleet *fleet = &sim->fleet;

	for (uint32_t i = 0; wanted != NULL && i < fleet->n_ues; i++) {
		const struct fk_sim_ue *ue = &fleet->ues[i];

		if (ue->ue_id_size == strlen(wanted) &&
		    memcmp(fk_fleet_ue_id(fleet, ue), wanted, ue->ue_id_size) == 0)
			sim->insider.ue = ue;
	}
	if (wanted == NULL || sim->insider.ue != NULL)
		return true;
	fprintf(stderr, "fleetsim: --insider %s: is no UE of the fleet\n", wanted);
	return false;
}

/* The servers that were asked for, or one for everybody. */
static bool setup_faces(struct sim *sim)
{
	const struct fk_sim_options *o = sim->options;

	sim->n_faces = o->n_faces;
	memcpy(sim->faces, o->faces, sizeof(sim->faces));
	if (sim->n_faces == 0)
		sim->faces[sim->n_faces++] =
			(struct fk_face){.port = o->sip_port, .profile = o->profile};
	for (uint32_t i = 0; i < sim->n_faces; i++)
		if (fk_face_prepare(&sim->faces[i], o->kmf_uri, &o->address, &o->isd_layout) !=
		    FK_OK)
			return false;
	return true;
}

static bool setup_server(struct sim *sim)
{
	const struct fk_sim_options *o = sim->options;
	struct fk_outbox outbox = {
		.arg = &sim->port, .send = fk_wire_port_send, .has_room = fk_wire_port_has_room};
	uint32_t n_slots = sim->fleet.n_ues * 4 + 64;
	struct fk_txns_spec txns = {
		.n_slots = n_slots < SLOTS_MIN					 ? SLOTS_MIN
			   : n_slots > SLOTS_MAX || sim->fleet.n_ues > SLOTS_MAX ? SLOTS_MAX
										 : n_slots,
		.t1_ms = o->t1_ms,
		.source = o->address,
		.outbox = outbox,
		.counts = &sim->counts,
		.nonce_seed = o->seed ^ clock_ms(CLOCK_REALTIME) << 20 ^ (uint64_t)getpid(),
	};

	sim->radio = (struct fk_radio){
		.counts = &sim->counts, .traits = &sim->traits, .kmf_rsi = o->kmf_rsi};
	if (!setup_faces(sim) || !setup_insider(sim) || fk_ossl_new(&sim->radio.ossl) != FK_OK ||
	    fk_txns_new(&txns, clock_ms(CLOCK_MONOTONIC_COARSE), &sim->txns) != FK_OK)
		return false;
	sim->hostile.kinds = o->hostile_kinds;
	sim->traits.spec = o->traits;
	sim->traits.spec.seed = o->seed;
	fk_traits_apply(&sim->traits, &sim->fleet);
	fk_lies_begin(&sim->lies, o->n_lies, sim->fleet.n_ues);
	sim->server = (struct fk_server){
		.fleet = &sim->fleet,
		.radio = &sim->radio,
		.txns = sim->txns,
		.hostile = &sim->hostile,
		.insider = &sim->insider,
		.lies = &sim->lies,
		.traits = &sim->traits,
		.counts = &sim->counts,
		.outbox = outbox,
		.address = o->address,
		.faces = sim->faces,
		.n_faces = sim->n_faces,
		.kmf_port = o->kmf_port,
		.bare_kmm = o->bare_kmm,
		.date_time_s = clock_ms(CLOCK_REALTIME) / 1000,
	};
	return true;
}

/* Waits for a signal or the end of the time. The signals are blocked in every thread. */
static void wait_for_end(const struct fk_sim_options *o, const sigset_t *signals)
{
	uint64_t end_ms = clock_ms(CLOCK_MONOTONIC) + (uint64_t)o->for_s * 1000;
	struct timespec step = {.tv_nsec = WAIT_STEP_MS * 1000000L};

	while (n_signals == 0 && sigtimedwait(signals, NULL, &step) < 0)
		if (o->for_s != 0 && clock_ms(CLOCK_MONOTONIC) >= end_ms)
			break;
}

/* With EAL up: start the port, run the worker, wait, stop. */
static int run_worker(struct sim *sim, const sigset_t *signals)
{
	const struct fk_sim_options *o = sim->options;
	struct fk_wire_port_spec spec = {
		.address = o->address,
		.weather = o->weather,
		.counts = &sim->counts,
		.capture = &sim->capture,
	};
	unsigned lcore = rte_get_next_lcore(-1, 1, 0);
	enum fk_err err;

	spec.weather.seed = o->seed;

	if (rte_lcore_count() != 2) {
		fprintf(stderr,
			"fleetsim: EAL arguments: --lcores names %u lcores; the range is "
			"2..2, one that waits and one that works\n",
			rte_lcore_count());
		return FK_EXIT_USAGE;
	}
	err = fk_wire_port_start(&sim->port, &spec);
	if (err != FK_OK) {
		fprintf(stderr, "fleetsim: port: cannot start: %s\n", fk_err_text(err));
		return FK_EXIT_FAILED;
	}
	rte_eal_remote_launch(worker_main, sim, lcore);
	fprintf(stderr, "fleetsim: ready ues=%u\n", sim->fleet.n_ues);
	fk_ready_stop(&sim->ready, true);
	wait_for_end(o, signals);
	atomic_store(&sim->stop, true);
	rte_eal_wait_lcore(lcore);
	fk_wire_port_stop(&sim->port);
	return FK_EXIT_DONE;
}

static bool report_failure(const char *option, const char *path, enum fk_err err)
{
	if (err != FK_OK)
		fprintf(stderr, "fleetsim: --%s %s: %s\n", option, path,
			err == FK_EIO ? strerror(errno) : fk_err_text(err));
	return err != FK_OK;
}

static int write_verdict(struct sim *sim)
{
	const struct fk_sim_options *o = sim->options;
	struct fk_verdict verdict = {
		.n_keys = o->n_keys,
		.fleet = &sim->fleet,
		.counts = &sim->counts,
		.hostile = &sim->hostile,
		.insider = &sim->insider,
		.lies = &sim->lies,
		.traits = &sim->traits,
		.faces = sim->faces,
		.n_faces = sim->n_faces,
	};
	bool failed =
		o->capture_path != NULL &&
		report_failure("capture", o->capture_path, fk_sim_capture_close(&sim->capture));

	if (o->report_path != NULL)
		failed |= report_failure("report", o->report_path,
					 fk_report_write(o->report_path, &verdict));
	if (o->book_path != NULL)
		failed |= report_failure("book", o->book_path,
					 fk_book_write(o->book_path, &sim->fleet));
	if (o->refusals_path != NULL)
		failed |= report_failure("refusals", o->refusals_path,
					 fk_refusals_write(o->refusals_path, &verdict));
	return failed ? FK_EXIT_FAILED : FK_EXIT_DONE;
}

/* EAL may block until its peer connects: a signal has to get through until then. */
static int run_eal(struct sim *sim)
{
	const struct fk_sim_options *o = sim->options;
	struct sigaction action = {.sa_handler = note_signal};
	sigset_t signals;
	int code, n_args;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaction(SIGTERM, &action, NULL); /* no SA_RESTART: accept() returns */
	sigaction(SIGINT, &action, NULL);
	fk_ready_start(&sim->ready, o->ready_path, o->eal_argc, o->eal_argv);
	n_args = rte_eal_init(o->eal_argc, o->eal_argv);
	if (n_signals > 0) { /* it was told to end before its peer came */
		fk_ready_stop(&sim->ready, false);
		return FK_EXIT_DONE;
	}
	if (n_args < 0) {
		fprintf(stderr, "fleetsim: EAL arguments: %s\n", rte_strerror(rte_errno));
		fk_ready_stop(&sim->ready, false);
		return FK_EXIT_FAILED;
	}
	pthread_sigmask(SIG_BLOCK, &signals, NULL);
	code = run_worker(sim, &signals);
	fk_ready_stop(&sim->ready, false);
	rte_eal_cleanup();
	return code;
}

/* Names of the next hops whose UEs are reached by carrier T2, and NULL behind them. */
static void list_mcptt_hops(const struct fk_sim_options *o,
			    const char *ret_names[static FK_FACES_MAX + 1])
{
	uint32_t n = 0;

	if (o->n_faces == 0 && o->profile == FK_FACE_T2)
		ret_names[n++] = "";
	for (uint32_t i = 0; i < o->n_faces; i++)
		if (o->faces[i].profile == FK_FACE_T2)
			ret_names[n++] = o->faces[i].name;
	ret_names[n] = NULL;
}

int fk_sim_run(const struct fk_sim_options *options)
{
	const char *mcptt_hops[FK_FACES_MAX + 1];
	static struct sim sim;
	char text[256] = "";
	enum fk_err err;
	int code;

	sim.options = options;
	(void)prctl(PR_SET_DUMPABLE, 0); /* it holds a fleet's keys */
	fk_xml_init();
	list_mcptt_hops(options, mcptt_hops);
	err = fk_fleet_load(options->fleet_path, mcptt_hops, &sim.fleet, text, sizeof(text));
	if (err != FK_OK) {
		fprintf(stderr, "fleetsim: --fleet %s: %s\n", options->fleet_path,
			text[0] != '\0' ? text : fk_err_text(err));
		return err == FK_EIO || err == FK_ENOMEM ? FK_EXIT_FAILED : FK_EXIT_USAGE;
	}
	if (!setup_server(&sim)) {
		fprintf(stderr, "fleetsim: out of memory, or OpenSSL without AES-256\n");
		code = FK_EXIT_FAILED;
	} else if (options->capture_path != NULL &&
		   report_failure("capture", options->capture_path,
				  fk_sim_capture_open(&sim.capture, options->capture_path,
						      options->n_captured_max))) {
		code = FK_EXIT_FAILED;
	} else {
		code = run_eal(&sim);
		if (code == FK_EXIT_DONE)
			code = write_verdict(&sim);
	}
	fk_txns_free(sim.txns);
	fk_ossl_free(sim.radio.ossl);
	fk_fleet_free(&sim.fleet);
	return code;
}
