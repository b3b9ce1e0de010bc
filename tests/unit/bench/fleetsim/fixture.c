/* SPDX-License-Identifier: Apache-2.0 */
/* fixture.c - see fixture.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "fixture.h"
#include "make_fleet.h"

static void need(bool ok, const char *what)
{
	if (!ok) {
		perror(what);
		abort();
	}
}

void fixture_init(struct fixture *f)
{
	struct fk_make_fleet spec = {.n_ues = N_UES,
				     .seed = 5,
				     .next_hop = "nh1",
				     .groups = "alpha",
				     .domain = "mc.example"};
	char text[256];

	memset(f, 0, sizeof(*f));
	snprintf(f->directory, sizeof(f->directory), "%s/fleetsim-test-", P_tmpdir);
	memset(f->directory + strlen(f->directory), 'X', 6); /* mkdtemp() replaces these */
	need(mkdtemp(f->directory) != NULL, "mkdtemp");
	snprintf(f->path, sizeof(f->path), "%s/fleet.csv", f->directory);
	spec.path = f->path;
	need(fk_make_fleet(&spec) == FK_OK, "fk_make_fleet");
	need(fk_fleet_load(f->path, NULL, &f->fleet, text, sizeof(text)) == FK_OK, "fk_fleet_load");
	need(fk_ossl_new(&f->ossl) == FK_OK, "fk_ossl_new");
	for (size_t i = 0; i < sizeof(f->tek); i++)
		f->tek[i] = (uint8_t)(0x40 + i);
	for (size_t k = 0; k < N_TEKS - 1; k++)
		memset(f->further[k], 0x60 + (int)k, sizeof(f->further[k]));
}

void fixture_fini(struct fixture *f)
{
	fk_fleet_free(&f->fleet);
	fk_ossl_free(f->ossl);
	unlink(f->path);
	rmdir(f->directory);
}

void wrap_key(const uint8_t kek[static 32], const uint8_t key[static 32],
	      uint8_t wrapped[static 40])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n = 0, last = 0;

	EVP_CIPHER_CTX_set_flags(ctx, EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
	need(EVP_EncryptInit_ex(ctx, EVP_aes_256_wrap(), NULL, kek, NULL) == 1 &&
		     EVP_EncryptUpdate(ctx, wrapped, &n, key, 32) == 1 &&
		     EVP_EncryptFinal_ex(ctx, wrapped + n, &last) == 1 && n + last == 40,
	     "EVP wrap");
	EVP_CIPHER_CTX_free(ctx);
}

struct command usual_command(const struct fixture *f, const struct fk_sim_ue *ue, uint16_t number)
{
	(void)f;
	return (struct command){
		.number = number,
		.mac_key = ue->ptek,
		.mac_key_id = ue->ptek_key_id,
		.kek = ue->kek,
		.kek_key_id = ue->kek_key_id,
		.key_id = KEY_ID,
		.mac_format = fk_sim_ue_mac_format(ue),
		.n_keys = 1,
		.keyset_id = KEYSET,
		.first_sln = SLN,
	};
}

static struct fk_kmm_header command_header(const struct fk_sim_ue *ue, const struct command *c)
{
	return (struct fk_kmm_header){
		.response_kind = FK_KMM_RESPONSE_IMMEDIATE,
		.has_message_number = true,
		.has_mac = true,
		.destination_rsi = ue->rsi,
		.source_rsi = KMF_RSI,
		.message_number = c->number,
		.mac = {.algorithm_id = FK_ALGORITHM_AES_256,
			.key_id = c->mac_key_id,
			.mac_format = c->mac_format},
	};
}

static void put_mac(struct fixture *f, const struct command *c, uint8_t *kmm, size_t size)
{
	need(fk_ossl_mac(f->ossl, c->mac_key, kmm, size, c->mac_format,
			 kmm + size - FK_KMM_MAC_BLOCK_SIZE) == FK_OK,
	     "fk_ossl_mac");
}

size_t make_rekey(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		  uint8_t kmm[static FK_KMM_SIZE_MAX])
{
	struct fk_kmm_header header = command_header(ue, c);
	uint8_t wrapped[N_TEKS][40];
	struct fk_kmm_rekey_command rekey = {
		.decryption_algorithm_id = FK_ALGORITHM_AES_256,
		.decryption_key_id = c->kek_key_id,
		.keyset_format = c->format,
		.keyset_id = c->keyset_id,
		.algorithm_id = FK_ALGORITHM_AES_256,
		.key_length = sizeof(wrapped[0]),
		.n_keys = c->n_keys,
	};
	size_t size = 0;

	for (uint8_t i = 0; i < c->n_keys; i++) {
		wrap_key(c->kek, i == 0 ? f->tek : f->further[i - 1], wrapped[i]);
		rekey.keys[i] = (struct fk_kmm_key_item){.key_format = c->format,
							 .sln = (uint16_t)(c->first_sln + i),
							 .key_id = (uint16_t)(c->key_id + i),
							 .key = wrapped[i]};
	}
	need(fk_kmm_encode_rekey_command(&header, &rekey, kmm, FK_KMM_SIZE_MAX, &size) == FK_OK,
	     "fk_kmm_encode_rekey_command");
	put_mac(f, c, kmm, size);
	return size;
}

size_t make_inventory(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		      uint8_t kmm[static FK_KMM_SIZE_MAX])
{
	struct fk_kmm_header header = command_header(ue, c);
	size_t size = 0;

	need(fk_kmm_encode_inventory_command(&header, FK_INVENTORY_ACTIVE_KEY_IDS, kmm,
					     FK_KMM_SIZE_MAX, &size) == FK_OK,
	     "fk_kmm_encode_inventory_command");
	put_mac(f, c, kmm, size);
	return size;
}

size_t make_changeover(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		       struct fk_kmm_changeover_pair pair, uint8_t kmm[static FK_KMM_SIZE_MAX])
{
	struct fk_kmm_header header = command_header(ue, c);
	size_t size = 0;

	need(fk_kmm_encode_changeover(&header, FK_KMM_CHANGEOVER_COMMAND, &pair, kmm,
				      FK_KMM_SIZE_MAX, &size) == FK_OK,
	     "fk_kmm_encode_changeover");
	put_mac(f, c, kmm, size);
	return size;
}

size_t make_delete_keyset(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
			  uint8_t keyset_id, uint8_t kmm[static FK_KMM_SIZE_MAX])
{
	struct fk_kmm_delete_keyset_one one = {.keyset_id = keyset_id};
	struct fk_kmm_header header = command_header(ue, c);
	size_t size = 0;

	need(fk_kmm_encode_delete_keyset(&header, FK_KMM_DELETE_KEYSET_COMMAND, &one, kmm,
					 FK_KMM_SIZE_MAX, &size) == FK_OK,
	     "fk_kmm_encode_delete_keyset");
	put_mac(f, c, kmm, size);
	return size;
}

size_t make_delete_key(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		       const struct fk_kmm_delete_key_list *list,
		       uint8_t kmm[static FK_KMM_SIZE_MAX])
{
	struct fk_kmm_header header = command_header(ue, c);
	size_t size = 0;

	need(fk_kmm_encode_delete_key(&header, FK_KMM_DELETE_KEY_COMMAND, list, kmm,
				      FK_KMM_SIZE_MAX, &size) == FK_OK,
	     "fk_kmm_encode_delete_key");
	put_mac(f, c, kmm, size);
	return size;
}

size_t make_zeroize(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		    uint8_t kmm[static FK_KMM_SIZE_MAX])
{
	struct fk_kmm_header header = command_header(ue, c);
	size_t size = 0;

	need(fk_kmm_encode_empty(&header, FK_KMM_ZEROIZE_COMMAND, kmm, FK_KMM_SIZE_MAX, &size) ==
		     FK_OK,
	     "fk_kmm_encode_empty");
	put_mac(f, c, kmm, size);
	return size;
}

size_t make_hello(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		  uint8_t kmm[static FK_KMM_SIZE_MAX])
{
	struct fk_kmm_header header = command_header(ue, c);
	size_t size = 0;

	header.response_kind = FK_KMM_RESPONSE_DELAYED;
	need(fk_kmm_encode_hello(&header, FK_HELLO_HERE, kmm, FK_KMM_SIZE_MAX, &size) == FK_OK,
	     "fk_kmm_encode_hello");
	put_mac(f, c, kmm, size);
	return size;
}

size_t make_no_service(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		       uint8_t kmm[static FK_KMM_SIZE_MAX])
{
	struct fk_kmm_header header = command_header(ue, c);
	size_t size = 0;

	header.response_kind = FK_KMM_RESPONSE_NONE;
	need(fk_kmm_encode_empty(&header, FK_KMM_NO_SERVICE, kmm, FK_KMM_SIZE_MAX, &size) == FK_OK,
	     "fk_kmm_encode_empty");
	put_mac(f, c, kmm, size);
	return size;
}

size_t make_warm_start(struct fixture *f, const struct fk_sim_ue *ue, const struct command *c,
		       const uint8_t ptek[static 32], uint16_t ptek_key_id,
		       uint8_t kmm[static FK_KMM_SIZE_MAX])
{
	struct fk_kmm_header header = command_header(ue, c);
	uint8_t wrapped[FK_OSSL_WRAPPED_SIZE];
	const struct fk_kmm_warm_start start = {.decryption_algorithm_id = ue->kek_algorithm_id,
						.decryption_key_id = ue->kek_key_id,
						.algorithm_id = FK_ALGORITHM_AES_256,
						.key_id = ptek_key_id,
						.key = wrapped};
	size_t size = 0;

	wrap_key(c->kek, ptek, wrapped);
	need(fk_kmm_encode_warm_start(&header, &start, kmm, FK_KMM_SIZE_MAX, &size) == FK_OK,
	     "fk_kmm_encode_warm_start");
	put_mac(f, c, kmm, size);
	return size;
}
