// SPDX-License-Identifier: GPL-2.0-or-later
/* Workloads on checkpoints. */
#include "workload.h"

const struct workload ckpt_workloads[1];
const unsigned int nr_ckpt_workloads = 0;
