// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Failure at every allocation of what a named reader asks for, and of what is told of it.
 */
#include <linux/npmu_netlink.h>

#include "ckptimage.h"
#include "nth.h"

static int fd = -1, other = -1;
static char *map;

static int clear(void)
{
	if (map)
		munmap(map, CKPT_BYTES);
	if (fd >= 0)
		close(fd);
	if (other >= 0)
		close(other);
	map = NULL;
	fd = -1;
	other = -1;
	return 0;
}

/* A new region, of which nobody has been a reader yet, with a checkpoint. */
static int readable(void)
{
	struct ckpt_image img;
	int ret;

	ret = vm_delete(NTH_UNIT, "r", true) ?: vm_region(NTH_UNIT, "r", 64 * KIB);
	other = vm_open(NTH_UNIT, "r", O_RDWR);
	if (ret || other < 0)
		return ret ?: other;
	map = vm_map(other, 0, CKPT_BYTES, PROT_READ | PROT_WRITE);
	if (!map)
		return -errno;
	ckpt_make(&img, map, NPMU_CKPT_FORM_APPEND, 1);
	fd = vm_open(NTH_UNIT, "r", O_RDONLY);
	return fd < 0 ? fd : 0;
}

static int attach(void)
{
	struct npmu_ioc_reader_attach arg = {
		.size = sizeof(arg), .flags = NPMU_READER_F_CREATE, .instance = 1, .name = "a",
	};

	return vm_ioctl(fd, NPMU_IOC_READER_ATTACH, &arg);
}

static int attached(void)
{
	int ret = readable();

	return ret < 0 ? ret : attach();
}

static int act_attach(void)
{
	return NTH(attach());
}

static int act_ack(void)
{
	struct npmu_ioc_reader_ack arg = { .size = sizeof(arg), .position = 64 };

	return NTH(vm_ioctl(fd, NPMU_IOC_READER_ACK, &arg));
}

/* By another open. Where the answer could not be written, the media tell if it was done. */
static int act_detach(void)
{
	struct npmu_ioc_reader_detach arg = { .size = sizeof(arg), .name = "a" };
	int ret = NTH(vm_ioctl(other, NPMU_IOC_READER_DETACH, &arg));

	return ret == -EFAULT && !ckpt_reader(map, 0)->instance ? 0 : ret;
}

static void nth__readers(void)
{
	SWEEP("READER_ATTACH", readable, act_attach, clear, NTH_NO_TRACE);
	SWEEP("READER_ACK", attached, act_ack, clear, NTH_NO_TRACE);
	SWEEP("READER_DETACH", attached, act_detach, clear, NTH_NO_TRACE);
}

/* --- what is told of them, and of the checkpoint --- */

static int act_list(void)
{
	const struct nth_arg args[] = {
		{ NPMU_A_READER_UNIT, -1, 0, NTH_UNIT }, { NPMU_A_READER_REGION, -1, 0, "r" },
	};
	int ret = nth_ask(NPMU_CMD_READER_GET, true, args, 2);

	return !ret && nth_answers != 1 ? -EPROTO : ret;
}

static int act_look(void)
{
	const struct nth_arg args[] = {
		{ NPMU_A_CHECKPOINT_UNIT, -1, 0, NTH_UNIT }, { NPMU_A_CHECKPOINT_REGION, -1, 0, "r" },
	};
	int ret = nth_ask(NPMU_CMD_CHECKPOINT_GET, false, args, 2);

	return !ret && nth_answers != 1 ? -EPROTO : ret;
}

static void nth__looks(void)
{
	SWEEP("READER_GET", attached, act_list, clear, NTH_NO_TRACE);
	SWEEP("CHECKPOINT_GET", attached, act_look, clear, NTH_NO_TRACE);
}

static int up(void)
{
	return vm_dram(NTH_UNIT, 16 * MIB) ?: vm_region(NTH_UNIT, "r", 64 * KIB);
}

int main(void)
{
	int ret = nth_begin(up);

	if (ret)
		return ret;
	VM_RUN(nth__readers);
	VM_RUN(nth__looks);
	vm_drop(NTH_UNIT);
	return vm_end();
}
