/* SPDX-License-Identifier: Apache-2.0 */
#include "api/early_answer.h"

#include <microhttpd.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

/* No "Connection: close": of a connection that ends anyway, curl says that it may go on sending. */
static int write_head(char *head, size_t max, unsigned status, const char *content_type,
		      size_t size)
{
	time_t now = time(NULL);
	char date[40] = "";
	struct tm tm;

	if (gmtime_r(&now, &tm) != NULL)
		(void)strftime(date, sizeof(date), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	return snprintf(head, max,
			"HTTP/1.1 %u %s\r\n%sContent-Type: %s\r\nContent-Length: %zu\r\n"
			"Cache-Control: no-store\r\n%s\r\n",
			status, MHD_get_reason_phrase_for(status), date, content_type, size,
			status == MHD_HTTP_UNAUTHORIZED ? "WWW-Authenticate: Bearer\r\n" : "");
}

enum fk_err fk_early_answer(int fd, unsigned status, const char *content_type, const char *body,
			    size_t size)
{
	char head[400];
	int head_size = write_head(head, sizeof(head), status, content_type, size);
	struct iovec parts[2] = {{head, (size_t)head_size}, {(void *)(uintptr_t)body, size}};
	const struct msghdr answer = {.msg_iov = parts, .msg_iovlen = 2};

	if (head_size < 0 || (size_t)head_size >= sizeof(head) ||
	    sendmsg(fd, &answer, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)head_size + (ssize_t)size)
		return FK_EIO;
	return FK_OK;
}
