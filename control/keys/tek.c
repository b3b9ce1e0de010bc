/* SPDX-License-Identifier: Apache-2.0 */
#include "keys/tek.h"

#include <errno.h>
#include <sys/random.h>

enum fk_err fk_random_fill(void *buf, size_t size)
{
	size_t done = 0;

	/* Flags 0: blocks until the pool is seeded, at boot, rather than give weak octets. */
	while (done < size) {
		ssize_t n = getrandom((uint8_t *)buf + done, size - done, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fk_wipe(buf, size);
			return FK_EIO;
		}
		done += (size_t)n;
	}
	return FK_OK;
}

enum fk_err fk_tek_generate(struct fk_secret *ret_tek)
{
	enum fk_err err = fk_random_fill(ret_tek->octets, sizeof(ret_tek->octets));

	if (err != FK_OK)
		return err;
	ret_tek->size = sizeof(ret_tek->octets);
	return FK_OK;
}

enum fk_err fk_uuid_generate(uint8_t ret_uuid[static 16])
{
	enum fk_err err = fk_random_fill(ret_uuid, 16);

	if (err != FK_OK)
		return err;
	ret_uuid[6] = (uint8_t)((ret_uuid[6] & 0x0f) | 0x40); /* spec: RFC 4122 §4.4, version 4 */
	ret_uuid[8] = (uint8_t)((ret_uuid[8] & 0x3f) | 0x80); /* variant 10 */
	return FK_OK;
}
