/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/interrupt.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

static const int signals[] = {SIGINT, SIGTERM};
#define N_SIGNALS (sizeof(signals) / sizeof(signals[0]))

static struct sigaction before[N_SIGNALS];
static volatile sig_atomic_t is_sent, is_drawn;

static void say(int fd, const char *text)
{
	ssize_t n = write(fd, text, strlen(text));

	(void)n; /* nobody else is left to tell */
}

static void on_signal(int signal)
{
	if (is_drawn)
		say(STDOUT_FILENO, "\n");
	say(STDERR_FILENO,
	    is_sent ? "fleetkeyctl: interrupted, but the whole file was sent: fleetkeyd goes on "
		      "with it. See fleetkeyctl fleet show\n"
		    : "fleetkeyctl: interrupted while the file was sent: fleetkeyd takes all of it "
		      "or nothing\n");
	_exit(128 + signal);
}

void fk_interrupt_begin(bool wants_line)
{
	struct sigaction action = {.sa_handler = on_signal};

	is_sent = false;
	is_drawn = wants_line;
	for (size_t i = 0; i < N_SIGNALS; i++) {
		if (sigaction(signals[i], NULL, &before[i]) == 0 && before[i].sa_handler != SIG_IGN)
			(void)sigaction(signals[i], &action, NULL);
	}
}

void fk_interrupt_sent(void)
{
	is_sent = true;
}

void fk_interrupt_end(void)
{
	for (size_t i = 0; i < N_SIGNALS; i++)
		(void)sigaction(signals[i], &before[i], NULL);
}
