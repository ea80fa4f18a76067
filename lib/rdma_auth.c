// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Proofs of who one is, as linux/npmu_wire.h says. Owns no key.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <nettle/hmac.h>
#include <nettle/memops.h>

#include "error.h"
#include "rdma_conn.h"

static void prove(const struct npmu_wire_transcript *transcript, const void *key, size_t len,
		  uint8_t *proof)
{
	struct hmac_sha256_ctx ctx;

	hmac_sha256_set_key(&ctx, len, key);
	hmac_sha256_update(&ctx, sizeof(*transcript), (const uint8_t *)transcript);
	hmac_sha256_digest(&ctx, NPMU_WIRE_PROOF_LEN, proof);
	explicit_bzero(&ctx, sizeof(ctx));
}

static int asked(struct npmu_error *err, int code)
{
	if (code == -NPMU_RDMA_STATUS - NPMU_WIRE_E_AUTH)
		return npmu_error_set(err, -EACCES,
				      "the unit does not know this principal by this key");
	if (code == -NPMU_RDMA_STATUS - NPMU_WIRE_E_MEMORY)
		return npmu_error_set(err, -ENOMEM, "the unit is out of memory");
	if (code < -NPMU_RDMA_STATUS)
		return npmu_error_set(err, -EPROTO,
				      "authentication: the unit answers with error %d",
				      -code - NPMU_RDMA_STATUS);
	return npmu_error_set(err, code, "authentication: %s", strerror(-code));
}

int npmu_rdma_authenticate(struct rdma_conn *c, const char *principal, const void *key,
			   size_t len, int timeout_ms, struct npmu_error *err)
{
	const bool iwarp = npmu_rdma_is_iwarp(c);
	struct npmu_wire_auth_begin begin = { 0 };
	struct npmu_wire_auth_prove answer = { 0 };
	const struct npmu_wire_auth_begun *begun;
	struct npmu_wire_transcript transcript = {
		.role = htole32(NPMU_WIRE_ROLE_UNIT),
		.client_qp = iwarp ? 0 : htole32(c->id->qp->qp_num),
		.unit_qp = iwarp ? 0 : htole32(c->unit_qp),
		.hello = c->hello,
		.welcome = c->welcome,
	};
	uint8_t proof[NPMU_WIRE_PROOF_LEN];
	const void *reply;
	int code;

	if (strlen(principal) >= sizeof(begin.principal))
		return npmu_error_set(err, -EINVAL, "the name of a principal has up to %zu bytes",
				      sizeof(begin.principal) - 1);
	memcpy(begin.principal, principal, strlen(principal));
	if (getrandom(begin.nonce, sizeof(begin.nonce), 0) != sizeof(begin.nonce))
		return npmu_error_set(err, -EIO, "no random bytes");
	code = npmu_rdma_ask(c, NPMU_WIRE_AUTH_BEGIN, &begin, sizeof(begin), &reply, timeout_ms);
	if (code)
		return asked(err, code);
	begun = reply;
	memcpy(transcript.principal, begin.principal, sizeof(begin.principal));
	memcpy(transcript.client_nonce, begin.nonce, sizeof(begin.nonce));
	memcpy(transcript.unit_nonce, begun->nonce, sizeof(begun->nonce));
	prove(&transcript, key, len, proof);
	if (!memeql_sec(proof, begun->proof, sizeof(proof)))
		return npmu_error_set(err, -EACCES,
				      "the unit does not know this principal by this key");
	transcript.role = htole32(NPMU_WIRE_ROLE_CLIENT);
	prove(&transcript, key, len, answer.proof);
	code = npmu_rdma_ask(c, NPMU_WIRE_AUTH_PROVE, &answer, sizeof(answer), NULL, timeout_ms);
	return code ? asked(err, code) : npmu_error_clear(err);
}
