// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the tracepoints of npmu_rdma.ko are made. Owns nothing; see trace.h.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
