/* SPDX-License-Identifier: Apache-2.0 */
/* fleetkey-dp: packets and time on the wire. Everything that decides is in fleetkeyd. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>

#include <fleetkey/secret.h>

#include "dpdk_port.h"
#include "link.h"
#include "log.h"
#include "options.h"
#include "stop_socket.h"
#include "wire/xml.h"
#include "worker.h"

#define STEP_MS	     20 /* how long a capture's frames may wait to be written */
#define EAL_ARGS_MAX 64
#define EXIT_USAGE   2 /* wrong usage; 0 done and 1 failed are the C library's */

struct fk_app {
	struct fk_options options;
	struct fk_dpdk_port *dpdk_port;
	struct fk_capture *capture;
	struct fk_worker *worker;
	struct fk_link *link;
	struct fk_stop_socket *stop_socket;
	unsigned lcore_id;
	bool is_launched;
};

static volatile sig_atomic_t signal_seen;

static void on_signal(int number)
{
	signal_seen = number;
}

/* Keys are in this process: no core dump, no debugger of the same user. */
static bool harden(void)
{
	const struct rlimit none = {0, 0};

	return prctl(PR_SET_DUMPABLE, 0) == 0 && setrlimit(RLIMIT_CORE, &none) == 0;
}

/* Returns an exit code. */
static int start_eal(const struct fk_options *options, char *program)
{
	static char log_warning[] = "--log-level=*:warning";
	char *args[EAL_ARGS_MAX + 3];
	int n = 0;

	if (options->n_eal_args > EAL_ARGS_MAX) {
		fk_log(FK_LOG_ERROR, "start_failed reason=\"more than %d EAL arguments\"",
		       EAL_ARGS_MAX);
		return EXIT_USAGE;
	}
	args[n++] = program;
	if (options->log_level < FK_LOG_DEBUG)
		args[n++] = log_warning;
	for (int i = 0; i < options->n_eal_args; i++)
		args[n++] = options->eal_args[i];
	args[n] = NULL;
	if (rte_eal_init(n, args) >= 0)
		return EXIT_SUCCESS;
	fk_log(FK_LOG_ERROR, "start_failed reason=\"EAL: %s\"", rte_strerror(rte_errno));
	/* EAL has said on stderr which argument it does not take. */
	return rte_errno == EINVAL || rte_errno == ENODEV ? EXIT_USAGE : EXIT_FAILURE;
}

/* One main lcore and one worker lcore, in this version. */
static bool choose_lcore(struct fk_app *app)
{
	unsigned n_workers = rte_lcore_count() - 1;

	if (n_workers != 1) {
		fk_log(FK_LOG_ERROR,
		       "start_failed reason=\"--lcores gives %u worker lcores, exactly 1 is "
		       "supported: --lcores 0@CPU,1@CPU\"",
		       n_workers);
		return false;
	}
	app->lcore_id = rte_get_next_lcore(-1, 1, 0);
	return true;
}

static bool choose_engine(const struct fk_options *options,
			  const struct fk_crypto_engine **ret_engine)
{
	/* The known answers of the self-test are no secrets; its scratch is wiped all the same. */
	struct fk_crypto_scratch *scratch = aligned_alloc(64, sizeof(*scratch));
	enum fk_err err = FK_ENOMEM;

	if (scratch != NULL) {
		err = fk_engine_select(options->engine, scratch, ret_engine);
		fk_wipe(scratch, sizeof(*scratch));
	}
	free(scratch);
	if (err == FK_OK)
		return true;
	fk_log(FK_LOG_ERROR, "start_failed engine=%s reason=\"%s\"",
	       err == FK_ESELFTEST	 ? (*ret_engine)->name
	       : options->engine != NULL ? options->engine
					 : "any",
	       fk_err_text(err));
	return false;
}

static bool open_capture(struct fk_app *app)
{
	const struct fk_options *o = &app->options;

	if (o->capture == NULL)
		return true;
	if (fk_capture_open(o->capture, o->capture_frames, o->capture_keys, &app->capture) ==
	    FK_OK) {
		fk_log(FK_LOG_INFO, "capture_open file=%s keys=%s", o->capture,
		       o->capture_keys ? "kept" : "masked");
		return true;
	}
	fk_log(FK_LOG_ERROR, "start_failed capture=%s reason=\"%s\"", o->capture, strerror(errno));
	return false;
}

static bool make_worker(struct fk_app *app, const struct fk_port *port,
			const struct fk_crypto_engine *engine)
{
	const struct fk_options *o = &app->options;
	const struct fk_worker_config config = {
		.host = o->host,
		.sip_port = (uint16_t)o->sip_port,
		.worker_port = (uint16_t)o->worker_port_base,
		.idle_sleeps = o->idle_sleeps,
		.engine = engine,
		.port = *port,
		.capture = app->capture,
	};
	const struct fk_link_config link_config = {
		.socket_path = o->link,
		.orphan_timeout_s = o->orphan_timeout_s,
		.workers = &app->worker,
		.n_workers = 1,
	};
	enum fk_err err = fk_worker_new(&config, &app->worker);

	if (err == FK_OK)
		err = fk_link_new(&link_config, &app->link);
	if (err != FK_OK)
		fk_log(FK_LOG_ERROR, "start_failed link=%s reason=\"%s\"", o->link,
		       fk_err_text(err));
	return err == FK_OK;
}

static bool open_stop_socket(struct fk_app *app)
{
	char text[256] = "";
	enum fk_err err =
		fk_stop_socket_new(app->options.link, &app->stop_socket, text, sizeof(text));

	if (err != FK_OK)
		fk_log(FK_LOG_ERROR, "start_failed reason=\"%s\"",
		       text[0] != '\0' ? text : fk_err_text(err));
	return err == FK_OK;
}

/* Returns an exit code. */
static int start(struct fk_app *app, char *program)
{
	const struct fk_crypto_engine *engine = NULL;
	struct fk_port port;
	char text[256];
	int code = start_eal(&app->options, program);

	if (code != EXIT_SUCCESS)
		return code;
	if (!choose_lcore(app))
		return EXIT_USAGE;
	if (!choose_engine(&app->options, &engine))
		return EXIT_FAILURE;
	if (fk_dpdk_port_open(&app->dpdk_port, &port, text, sizeof(text)) != FK_OK) {
		fk_log(FK_LOG_ERROR, "start_failed reason=\"%s\"", text);
		return EXIT_FAILURE;
	}
	if (fk_address_is_set(&app->options.host.ipv6.address))
		fk_dpdk_port_hear_groups(app->dpdk_port);
	if (!open_capture(app) || !make_worker(app, &port, engine) || !open_stop_socket(app))
		return EXIT_FAILURE;
	if (rte_eal_remote_launch(fk_worker_main, app->worker, app->lcore_id) != 0) {
		fk_log(FK_LOG_ERROR, "start_failed reason=\"lcore %u cannot be launched\"",
		       app->lcore_id);
		return EXIT_FAILURE;
	}
	app->is_launched = true;
	fk_log(FK_LOG_INFO,
	       "started engine=%s lcore=%u mac=%02x:%02x:%02x:%02x:%02x:%02x sip_port=%u "
	       "worker_port=%u idle=%s",
	       engine->name, app->lcore_id, port.mac[0], port.mac[1], port.mac[2], port.mac[3],
	       port.mac[4], port.mac[5], app->options.sip_port, app->options.worker_port_base,
	       app->options.idle_sleeps ? "sleep" : "poll");
	return EXIT_SUCCESS;
}

/* Link and capture until a signal or the end of the link. */
static bool run(struct fk_app *app)
{
	while (signal_seen == 0) {
		enum fk_err err = fk_link_step(app->link, STEP_MS);

		/* Told to wipe: that is done by ending, and is no failure. */
		if (err != FK_OK)
			return err == FK_EPOLICY;
		fk_stop_socket_poll(app->stop_socket, app->link);
		if (app->capture != NULL && fk_capture_flush(app->capture) != FK_OK)
			fk_log(FK_LOG_ERROR, "capture_failed file=%s reason=\"%s\"",
			       app->options.capture, strerror(errno));
	}
	fk_log(FK_LOG_INFO, "stopping signal=%d", (int)signal_seen);
	return true;
}

static void stop(struct fk_app *app)
{
	if (app->is_launched) {
		fk_worker_stop(app->worker);
		(void)rte_eal_wait_lcore(app->lcore_id); /* it returns 0 */
	}
	fk_stop_socket_free(app->stop_socket);
	fk_link_free(app->link);
	fk_worker_free(app->worker);
	if (app->capture != NULL && fk_capture_n_lost(app->capture) > 0)
		fk_log(FK_LOG_WARNING, "capture_incomplete n_lost=%" PRIu64,
		       fk_capture_n_lost(app->capture));
	fk_capture_close(app->capture);
	fk_dpdk_port_close(app->dpdk_port);
}

int main(int argc, char **argv)
{
	struct fk_app app = {0};
	struct sigaction action = {.sa_handler = on_signal};
	char text[256];
	int code;

	if (fk_options_parse(argc, argv, &app.options, text, sizeof(text)) != FK_OK) {
		fprintf(stderr, "fleetkey-dp: %s\n", text);
		return EXIT_USAGE;
	}
	if (app.options.help || app.options.version) {
		if (app.options.help)
			fk_options_print_help(stdout);
		else
			puts("fleetkey-dp " FK_VERSION);
		return 0;
	}
	fk_log_set_level((enum fk_log_level)app.options.log_level);
	if (!harden()) {
		fk_log(FK_LOG_ERROR, "start_failed reason=\"cannot forbid dumps: %s\"",
		       strerror(errno));
		return 1;
	}
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	fk_xml_init();
	code = start(&app, argv[0]);
	if (code == EXIT_SUCCESS && !run(&app))
		code = EXIT_FAILURE;
	stop(&app);
	(void)rte_eal_cleanup(); /* the process ends; keys are wiped already */
	return code;
}
