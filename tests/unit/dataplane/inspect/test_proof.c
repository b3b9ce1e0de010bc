/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_proof.c - what the vectors (test_kat.c) do not say: sizes that are refused, and every
 * change.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "inspect/proof.h"

static struct fk_proof *proof;
static struct fk_secret kek, key;

static void set_up(void)
{
	cr_assert_eq(fk_proof_new(&proof), FK_OK);
	kek = (struct fk_secret){.size = 32};
	key = (struct fk_secret){.size = 32};
	for (uint8_t i = 0; i < 32; i++) {
		kek.octets[i] = i;
		key.octets[i] = (uint8_t)(0x80 + i);
	}
}

static void tear_down(void)
{
	fk_proof_free(proof);
}

TestSuite(proof, .init = set_up, .fini = tear_down);

Test(proof, keys_of_every_size_unwrap_to_what_was_wrapped)
{
	for (kek.size = 16; kek.size <= 32; kek.size += 8) {
		for (key.size = 16; key.size <= 32; key.size += 8) {
			struct fk_secret again = {0};
			uint8_t wrapped[40];
			size_t size;

			cr_assert_eq(
				fk_proof_wrap(proof, &kek, &key, wrapped, sizeof(wrapped), &size),
				FK_OK);
			cr_assert_eq(size, key.size + 8);
			cr_assert_eq(fk_proof_unwrap(proof, &kek, wrapped, size, &again), FK_OK);
			cr_assert_eq(again.size, key.size);
			cr_assert_arr_eq(again.octets, key.octets, key.size);
			for (size_t i = 0; i < size; i++) {
				again.size = 4711;
				wrapped[i] ^= 0x10;
				cr_assert_eq(fk_proof_unwrap(proof, &kek, wrapped, size, &again),
					     FK_EAUTH);
				cr_assert_eq(again.size, 4711);
				wrapped[i] ^= 0x10;
			}
		}
	}
}

Test(proof, other_sizes_are_unsupported)
{
	uint8_t wrapped[64] = {0};
	size_t size;

	for (size_t n = 0; n <= sizeof(wrapped); n++)
		if (n != 24 && n != 32 && n != 40)
			cr_assert_eq(fk_proof_unwrap(proof, &kek, wrapped, n, &key),
				     FK_EUNSUPPORTED);
	kek.size = 8;
	cr_assert_eq(fk_proof_unwrap(proof, &kek, wrapped, 40, &key), FK_EUNSUPPORTED);
	cr_assert_eq(fk_proof_wrap(proof, &kek, &key, wrapped, sizeof(wrapped), &size),
		     FK_EUNSUPPORTED);
	kek.size = 32;
	cr_assert_eq(fk_proof_wrap(proof, &kek, &key, wrapped, 39, &size), FK_EFULL);
}

Test(proof, a_mac_takes_a_tek_of_256_bits)
{
	uint8_t frame[25] = {0x21, 0, 22, 0xa8}, mac[8];

	cr_assert_eq(fk_proof_mac(proof, &kek, frame, sizeof(frame), 0x41, mac), FK_OK);
	kek.size = 16;
	cr_assert_eq(fk_proof_mac(proof, &kek, frame, sizeof(frame), 0x41, mac), FK_EUNSUPPORTED);
}

Test(proof, the_outer_layer_refuses_short_keys_and_an_all_zero_message_indicator)
{
	uint8_t mi[FK_MI_SIZE] = {0}, octets[513] = {0}, out[513];

	cr_assert_eq(fk_proof_outer(proof, &kek, mi, octets, 20, out), FK_EINVAL);
	mi[0] = 1;
	cr_assert_eq(fk_proof_outer(proof, &kek, mi, octets, 20, out), FK_OK);
	cr_assert_eq(fk_proof_outer(proof, &kek, mi, octets, 0, out), FK_OK);
	cr_assert_eq(fk_proof_outer(proof, &kek, mi, octets, 512, out), FK_OK);
	cr_assert_eq(fk_proof_outer(proof, &kek, mi, octets, 513, out), FK_ERANGE);
	kek.size = 16;
	cr_assert_eq(fk_proof_outer(proof, &kek, mi, octets, 20, out), FK_EUNSUPPORTED);
}
