// SPDX-License-Identifier: GPL-2.0-only
/*
 * Named readers over the wire: READER_ATTACH, READER_ACK and READER_DETACH. Knows which
 * grants reach the table of readers; what is in it is for the core.
 */
#include "../reader.h"
#include "answer.h"

/* The header of the checkpoint and its table lie at the beginning of the region. */
static int reaches_table(const struct npmu_tpt_entry *entry)
{
	return entry->offset || (entry->len && entry->len < NPMU_CKPT_MIN_REGION) ? -ERANGE : 0;
}

void npmu_serve_attach(struct npmu_answer *answer, const struct npmu_wire_reader_attach *msg)
{
	struct npmu_wire_reader_attached *attached = answer->buf->bytes;
	struct npmu_tpt_entry *entry = answer->conn->entry;
	u64 position = le64_to_cpu(msg->position);
	u32 slot;
	int ret;

	ret = reaches_table(entry) ?:
	      npmu_reader_attach(entry, le32_to_cpu(msg->flags) & NPMU_WIRE_READER_CREATE,
				 le64_to_cpu(msg->instance), msg->name, &position, &slot);
	if (ret) {
		npmu_answer_error(answer, ret);
		return;
	}
	attached->position = cpu_to_le64(position);
	attached->slot = cpu_to_le32(slot);
	npmu_answer(answer, NPMU_WIRE_OK, sizeof(*attached));
}

void npmu_serve_ack(struct npmu_answer *answer, const struct npmu_wire_reader_ack *msg)
{
	npmu_answer_error(answer, npmu_reader_ack(answer->conn->entry,
						  le64_to_cpu(msg->position)));
}

void npmu_serve_detach(struct npmu_answer *answer, const struct npmu_wire_reader_detach *msg)
{
	struct npmu_tpt_entry *entry = answer->conn->entry;

	npmu_answer_error(answer, reaches_table(entry) ?: npmu_reader_detach(entry, msg->name));
}
