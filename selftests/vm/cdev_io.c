// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A region's node as a file: read, write, seek, sync.
 */
#define _GNU_SOURCE
#include "vmtest.h"

#define SIZE	(64 * KIB)

static char buf[2 * SIZE], want[2 * SIZE];

static int up(void)
{
	return vm_any("t", 32 * MIB, 16) ?: vm_region("t", "r", SIZE);
}

static void read__gets_what_write_put(void)
{
	int fd, rd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	rd = vm_open("t", "r", O_RDONLY);
	REQUIRE(fd >= 0 && rd >= 0, "%s %s", vm_strerror(fd), vm_strerror(rd));
	EXPECT(vm_pread(rd, buf, SIZE, 0), SIZE);
	CHECK(vm_nonzero(buf, SIZE) < 0, "a new region has other bytes than zero");
	vm_fill(want, SIZE, 0, 1);
	EXPECT(vm_pwrite(fd, want, SIZE, 0), SIZE);
	EXPECT(vm_pread(rd, buf, SIZE, 0), SIZE);
	CHECK(!memcmp(buf, want, SIZE), "the bytes differ");
	/* Odd places and lengths, over a page's end. */
	vm_fill(want + 4093, 4099, 7, 2);
	EXPECT(vm_pwrite(fd, want + 4093, 4099, 4093), 4099);
	EXPECT(vm_pread(rd, buf, SIZE, 0), SIZE);
	CHECK(!memcmp(buf, want, SIZE), "the bytes differ after an unaligned write");
	EXPECT(vm_pread(rd, buf, 0, 0), 0);
	EXPECT(vm_pwrite(fd, want, 0, 0), 0);
	close(fd);
	close(rd);
	EXPECT(vm_drop("t"), 0);
}

static void read__ends_at_the_end(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	EXPECT(vm_pread(fd, buf, 2 * SIZE, 0), SIZE);
	EXPECT(vm_pread(fd, buf, 100, SIZE - 10), 10);
	EXPECT(vm_pread(fd, buf, 1, SIZE), 0);
	EXPECT(vm_pread(fd, buf, 1, SIZE + 1), 0);
	EXPECT(vm_pread(fd, buf, 1, INT64_MAX - 4096), 0);
	EXPECT(vm_pread(fd, buf, 1, 1ULL << 63), -EINVAL);
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void write__past_the_end_is_enospc(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	EXPECT(vm_pwrite(fd, want, 1, SIZE), -ENOSPC);
	EXPECT(vm_pwrite(fd, want, 1, 1ULL << 40), -ENOSPC);
	EXPECT(vm_pwrite(fd, want, 1, INT64_MAX - 4096), -ENOSPC);
	vm_fill(want, 100, 0, 3);
	EXPECT(vm_pwrite(fd, want, 100, SIZE - 10), 10);
	EXPECT(vm_pread(fd, buf, 10, SIZE - 10), 10);
	CHECK(!memcmp(buf, want, 10), "the part that fits was not written");
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void write__of_a_bad_pointer_is_efault(void)
{
	char *edge;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	EXPECT(vm_pwrite(fd, (void *)8, 100, 0), -EFAULT);
	EXPECT(vm_pread(fd, (void *)8, 100, 0), -EFAULT);
	/* Half of it is there. */
	edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	munmap(edge + 4096, 4096);
	memset(edge, 0x5a, 4096);
	EXPECT(vm_pwrite(fd, edge + 4000, 1000, 0), 96);
	EXPECT(vm_pread(fd, buf, 97, 0), 97);
	CHECK(buf[95] == 0x5a && !buf[96], "not what was copied");
	EXPECT(vm_pread(fd, edge + 4000, 1000, 0), 96);
	munmap(edge, 4096);
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void llseek__moves_within_the_region(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	EXPECT(lseek(fd, 0, SEEK_END), SIZE);
	EXPECT(read(fd, buf, 1), 0);
	EXPECT(lseek(fd, -4, SEEK_END), SIZE - 4);
	EXPECT(read(fd, buf, 100), 4);
	EXPECT(lseek(fd, 0, SEEK_CUR), SIZE);
	EXPECT(lseek(fd, -1, SEEK_SET) < 0 ? -errno : 0, -EINVAL);
	EXPECT(lseek(fd, 1, SEEK_END) < 0 ? -errno : 0, -EINVAL);
	EXPECT(lseek(fd, 100, SEEK_SET), 100);
	EXPECT(write(fd, want, 10), 10);
	EXPECT(lseek(fd, 0, SEEK_CUR), 110);
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void fsync__does(void)
{
	int fd, rd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	rd = vm_open("t", "r", O_RDONLY);
	REQUIRE(fd >= 0 && rd >= 0, "%s %s", vm_strerror(fd), vm_strerror(rd));
	EXPECT(vm_pwrite(fd, want, 10, 0), 10);
	EXPECT(fsync(fd), 0);
	EXPECT(fdatasync(fd), 0);
	EXPECT(fsync(rd), 0);
	EXPECT(sync_file_range(fd, 0, 0, 0) ? -errno : 0, -ESPIPE);
	EXPECT(ftruncate(fd, 0) ? -errno : 0, -EINVAL);
	EXPECT(fallocate(fd, 0, 0, 4096) ? -errno : 0, -ENODEV);
	close(fd);
	close(rd);
	EXPECT(vm_drop("t"), 0);
}

static void write__of_a_dead_open_is_estale(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	EXPECT(vm_pwrite(fd, "x", 1, 0), 1);
	EXPECT(vm_fence("t", "r"), 0);
	EXPECT(vm_pwrite(fd, "y", 1, 0), -ESTALE);
	EXPECT(vm_pread(fd, buf, 1, 0), -ESTALE);
	EXPECT(fsync(fd) ? -errno : 0, -ESTALE);
	close(fd);
	fd = vm_open("t", "r", O_RDONLY);
	EXPECT(vm_pread(fd, buf, 1, 0), 1);
	CHECK(buf[0] == 'x', "a write after the fence landed");
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void file__serves_plain_tools(void)
{
	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_sh("dd if=/dev/urandom of=/tmp/cdev_io bs=4096 count=16 status=none"), 0);
	EXPECT(vm_sh("dd if=/tmp/cdev_io of=/dev/npmu/t/r bs=4096 conv=notrunc,fsync status=none"), 0);
	EXPECT(vm_sh("cmp /tmp/cdev_io /dev/npmu/t/r"), 0);
	EXPECT(vm_sh("echo more >>/dev/npmu/t/r 2>/dev/null"), 0);
	EXPECT(vm_sh("dd if=/tmp/cdev_io of=/dev/npmu/t/r bs=4096 seek=16 conv=notrunc 2>/dev/null"), 1);
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(read__gets_what_write_put);
	VM_RUN(read__ends_at_the_end);
	VM_RUN(write__past_the_end_is_enospc);
	VM_RUN(write__of_a_bad_pointer_is_efault);
	VM_RUN(llseek__moves_within_the_region);
	VM_RUN(fsync__does);
	VM_RUN(write__of_a_dead_open_is_estale);
	VM_RUN(file__serves_plain_tools);
	return vm_end();
}
