// SPDX-License-Identifier: GPL-2.0-only
/*
 * Answers: what the errors of the core are called on the wire, and the header of what is
 * sent. It must not know what was asked.
 */
#include "answer.h"
#include "trace.h"

u32 npmu_answer_status(int error)
{
	switch (error) {
	case 0:
		return NPMU_WIRE_OK;
	case -ENXIO:
	case -ENOENT:
		return NPMU_WIRE_E_NOT_FOUND;
	case -EACCES:
	case -EPERM:
	case -EBADF:
		return NPMU_WIRE_E_ACCESS;
	case -ESTALE:
		return NPMU_WIRE_E_STALE;
	case -EBUSY:
		return NPMU_WIRE_E_BUSY;
	case -EROFS:
		return NPMU_WIRE_E_READ_ONLY;
	case -ERANGE:
		return NPMU_WIRE_E_RANGE;
	case -EIO:
		return NPMU_WIRE_E_IO;
	case -ENODEV:
		return NPMU_WIRE_E_GONE;
	case -EUSERS:
	case -E2BIG:
		return NPMU_WIRE_E_LIMIT;
	case -ENOMEM:
		return NPMU_WIRE_E_MEMORY;
	case -ETIMEDOUT:
		return NPMU_WIRE_E_TIMEDOUT;
	case -EEXIST:
		return NPMU_WIRE_E_EXISTS;
	case -EDQUOT:
		return NPMU_WIRE_E_QUOTA;
	case -ENOSPC:
		return NPMU_WIRE_E_NO_SPACE;
	case -EINVAL:
		return NPMU_WIRE_E_INVALID;
	case -EMEDIUMTYPE:
		return NPMU_WIRE_E_NO_CHECKPOINT;
	case -ENOTCONN:
		return NPMU_WIRE_E_NOT_ATTACHED;
	default:
		return NPMU_WIRE_E_INTERNAL;
	}
}

void npmu_answer(struct npmu_answer *answer, u32 status, size_t len)
{
	struct npmu_wire_header *header = answer->buf->bytes;

	if (status) {
		len = sizeof(*header);
		npmu_conn_denied(answer->conn);
	}
	header->type = cpu_to_le16(answer->type);
	header->length = cpu_to_le16(len);
	header->request = cpu_to_le32(answer->request);
	header->status = cpu_to_le32(status);
	trace_npmu_rdma_answer(answer->conn->id, answer->type & ~NPMU_WIRE_ANSWER, status);
	npmu_conn_send(answer->conn, answer->buf);
}

void npmu_answer_error(struct npmu_answer *answer, int error)
{
	npmu_answer(answer, npmu_answer_status(error), sizeof(struct npmu_wire_header));
}
