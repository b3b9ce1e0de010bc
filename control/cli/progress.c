/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#define BAR_MAX 50

static int columns(FILE *file)
{
	struct winsize size;

	if (ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return 80;
}

void fk_progress_draw(FILE *file, uint64_t n_done, uint64_t n_total, const char *text)
{
	double share = n_total ? (double)n_done / (double)n_total : 0;
	int width = columns(file), n_bar = width / 3 < BAR_MAX ? width / 3 : BAR_MAX, n_full;

	if (share > 1)
		share = 1;
	n_full = (int)(share * n_bar);
	/* 13 columns for the brackets and the share; the text gives way on a narrow terminal. */
	fputs("\r\033[K[", file);
	for (int i = 0; i < n_bar; i++)
		fputc(i < n_full ? '#' : '-', file);
	fprintf(file, "] %5.1f %%  %.*s", share * 100, width > n_bar + 14 ? width - n_bar - 14 : 0,
		text);
	fflush(file);
}

void fk_progress_clear(FILE *file)
{
	fputs("\r\033[K", file);
	fflush(file);
}
