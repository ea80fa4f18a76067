// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory of a checkpoint that fails: who needs it, a named reader or who looks from outside,
 * is told with an error of its own, and what does not need it goes on.
 */
#define _GNU_SOURCE
#include <npmu/checkpoint.h>

#include "damage.h"
#include "readers.h"

static struct ckpt_image beside;
static int reader, other;

static int look(const char *region)
{
	struct npmu_checkpoint_info info;

	return vm_note(npmu_ctl_checkpoint_get(vm_ctl(), "p", region, &info));
}

static int count_one(void *ctx, const struct npmu_reader_info *info)
{
	(void)info;
	++*(int *)ctx;
	return 0;
}

/* Return: how many, or an error. */
static int list(const char *region)
{
	int n = 0;
	int ret = vm_note(npmu_ctl_reader_list(vm_ctl(), "p", region, count_one, &n));

	return ret ? ret : n;
}

static int make(struct ckpt_image *image, int fd)
{
	void *map = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);

	if (!map)
		return -errno;
	ckpt_make(image, map, NPMU_CKPT_FORM_APPEND, INSTANCE);
	ckpt_base(image, 0, 1, 100, 1);
	ckpt_update(image, 5000, 2);
	return vm_persist(fd, 0, SIZE);
}

static int two_up(void)
{
	int fd;
	int ret = vm_pmem(NULL, "p", 16) ?: vm_region("p", "r", SIZE) ?: vm_region("p", "other", SIZE);

	if (ret)
		return ret;
	writer = vm_open("p", "r", O_RDWR);
	reader = vm_open("p", "r", O_RDONLY);
	other = vm_open("p", "other", O_RDONLY);
	fd = vm_open("p", "other", O_RDWR);
	ret = make(&img, writer) ?: make(&beside, fd) ?: create(reader, "one") ?: create(other, "one");
	close(fd);
	return ret;
}

static void two_down(void)
{
	/* The other region has nothing of it. */
	EXPECT(look("other"), 0);
	EXPECT(list("other"), 1);
	EXPECT(ack(other, 64), 0);
	munmap(img.map, SIZE);
	munmap(beside.map, SIZE);
	close(writer);
	writer = -1;
	close(reader);
	close(other);
	EXPECT(vm_drop("p"), 0);
}

#define BEGIN() do {							\
	if (damage_impossible())					\
		SKIP("%s", damage_impossible());			\
	REQUIRE(!two_up(), "%s", vm_why());					\
} while (0)

/* Header 0, seal 0 and the table of readers. */
static void poison__of_the_table_is_eio_for_its_readers(void)
{
	BEGIN();
	EXPECT(ack(reader, 64), 0);
	EXPECT(damage_region("r", 0), 0);
	EXPECT(ack(reader, 128), -EIO);
	EXPECT(create(writer, "two"), -EIO);
	EXPECT(list("r"), -EIO);
	EXPECT(look("r"), -EIO);
	two_down();
}

static void poison__of_the_ring_is_eio_for_the_walk_alone(void)
{
	BEGIN();
	EXPECT(look("r"), 0);
	EXPECT(damage_region("r", CKPT_RING_AT + 4096), 0);
	EXPECT(look("r"), -EIO);
	EXPECT(ack(reader, 64), 0);
	EXPECT(create(writer, "two"), 1);
	EXPECT(list("r"), 2);
	two_down();
}

/* One copy of the header is enough for those who need no more of its page. */
static void poison__of_the_second_header(void)
{
	BEGIN();
	EXPECT(damage_region("r", NPMU_CKPT_HEADER1), 0);
	EXPECT(ack(reader, 64), 0);
	EXPECT(create(writer, "two"), 1);
	EXPECT(list("r"), 2);
	/* The second seal is lost with it. */
	EXPECT(look("r"), -EIO);
	two_down();
}

int main(void)
{
	VM_RUN(poison__of_the_table_is_eio_for_its_readers);
	VM_RUN(poison__of_the_ring_is_eio_for_the_walk_alone);
	VM_RUN(poison__of_the_second_header);
	return vm_end();
}
