// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The form of requests: sizes, flags, pointers, numbers. What they do is tested in
 * role.c and wait.c.
 */
#include "ckptimage.h"
#include "vmtest.h"

#define SIZE	(64 * KIB)
#define TAIL	64

static int fd = -1;

/* A request that succeeds, again and again, once this open is the writer. */
struct request {
	const char *name;
	unsigned long nr;
	unsigned int size;
	void (*fill)(void *arg);
};

static void fill_none(void *arg)
{
	(void)arg;
}

static void fill_persist(void *arg)
{
	struct npmu_ioc_persist *persist = arg;

	persist->length = SIZE;
}

static void fill_takeover(void *arg)
{
	struct npmu_ioc_takeover *takeover = arg;
	struct npmu_ioc_info info;

	vm_info(fd, &info);
	takeover->expected_epoch = info.fence_epoch;
}

static void fill_resign(void *arg)
{
	(void)arg;
	vm_claim(fd, NULL);
}

static void fill_wait(void *arg)
{
	struct npmu_ioc_wait *wait = arg;

	wait->flags = NPMU_WAIT_F_ARM;
}

static void fill_attach(void *arg)
{
	struct npmu_ioc_reader_attach *attach = arg;

	attach->flags = NPMU_READER_F_CREATE;
	attach->instance = 1;
	attach->name[0] = 'a';
}

/* Attached by a request of the exact size, so that what follows finds it so. */
static void fill_ack(void *arg)
{
	struct npmu_ioc_reader_attach attach = { .size = sizeof(attach) };

	(void)arg;
	fill_attach(&attach);
	vm_ioctl(fd, NPMU_IOC_READER_ATTACH, &attach);
}

static const struct request requests[] = {
	{ "INFO", NPMU_IOC_INFO, sizeof(struct npmu_ioc_info), fill_none },
	{ "PERSIST", NPMU_IOC_PERSIST, sizeof(struct npmu_ioc_persist), fill_persist },
	{ "CLAIM", NPMU_IOC_CLAIM, sizeof(struct npmu_ioc_claim), fill_none },
	{ "TAKEOVER", NPMU_IOC_TAKEOVER, sizeof(struct npmu_ioc_takeover), fill_takeover },
	{ "KICK", NPMU_IOC_KICK, sizeof(struct npmu_ioc_kick), fill_none },
	{ "WAIT", NPMU_IOC_WAIT, sizeof(struct npmu_ioc_wait), fill_wait },
	{ "SINK", NPMU_IOC_SINK, sizeof(struct npmu_ioc_sink), fill_none },
	{ "READER_ATTACH", NPMU_IOC_READER_ATTACH, sizeof(struct npmu_ioc_reader_attach),
	  fill_attach },
	{ "READER_ACK", NPMU_IOC_READER_ACK, sizeof(struct npmu_ioc_reader_ack), fill_ack },
	{ "READER_DETACH", NPMU_IOC_READER_DETACH, sizeof(struct npmu_ioc_reader_detach),
	  fill_ack },
	{ "RESIGN", NPMU_IOC_RESIGN, sizeof(struct npmu_ioc_resign), fill_resign },
};

#define NR_REQUESTS	(sizeof(requests) / sizeof(requests[0]))

static int up(void)
{
	int ret = vm_any("t", 32 * MIB, 16) ?: vm_region("t", "r", SIZE);
	struct ckpt_image img;
	void *map;

	if (ret)
		return ret;
	fd = vm_open("t", "r", O_RDWR);
	if (fd < 0)
		return fd;
	/* A checkpoint for the requests of readers. To map it is to claim. */
	map = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	if (!map)
		return -errno;
	ckpt_make(&img, map, NPMU_CKPT_FORM_APPEND, 1);
	munmap(map, SIZE);
	return 0;
}

static void down(void)
{
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

/* One call of @req that says it is @size long; @tail goes behind it. */
static int call(const struct request *req, uint32_t size, const void *tail)
{
	uint8_t arg[1024] = {};

	req->fill(arg);
	memcpy(arg, &size, sizeof(size));
	if (tail)
		memcpy(arg + req->size, tail, TAIL);
	return vm_ioctl(fd, req->nr, arg);
}

static void size__exact_is_accepted(void)
{
	unsigned int i;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < NR_REQUESTS; i++)
		CHECK(!call(&requests[i], requests[i].size, NULL), "%s: %m", requests[i].name);
	down();
}

static void size__short_is_einval(void)
{
	unsigned int i;
	uint32_t size;
	int ret;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < NR_REQUESTS; i++) {
		for (size = 0; size < requests[i].size; size++) {
			ret = call(&requests[i], size, NULL);
			CHECK(ret == -EINVAL, "%s size %u: %s", requests[i].name, size,
			      vm_strerror(ret));
		}
	}
	down();
}

static void size__long_with_zeros_is_accepted(void)
{
	static const uint8_t zeros[TAIL];
	unsigned int i;
	uint32_t more;
	int ret;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < NR_REQUESTS; i++) {
		for (more = 1; more <= TAIL; more++) {
			ret = call(&requests[i], requests[i].size + more, zeros);
			CHECK(!ret, "%s size + %u: %s", requests[i].name, more, vm_strerror(ret));
		}
	}
	down();
}

static void size__long_with_more_is_e2big(void)
{
	uint8_t tail[TAIL];
	unsigned int i, at;
	int ret;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < NR_REQUESTS; i++) {
		for (at = 0; at < TAIL; at++) {
			memset(tail, 0, sizeof(tail));
			tail[at] = 1;
			ret = call(&requests[i], requests[i].size + TAIL, tail);
			CHECK(ret == -E2BIG, "%s byte %u: %s", requests[i].name, at,
			      vm_strerror(ret));
		}
	}
	down();
}

static void size__huge_is_refused(void)
{
	uint32_t *big = malloc(2 * MIB);
	unsigned int i;
	int ret;

	memset(big, 0xff, 2 * MIB);
	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < NR_REQUESTS; i++) {
		/* What is not zero is just behind what the kernel knows. */
		big[0] = UINT32_MAX;
		ret = vm_ioctl(fd, requests[i].nr, big);
		CHECK(ret == -E2BIG, "%s: %s", requests[i].name, vm_strerror(ret));
	}
	free(big);
	down();
}

static void pointer__bad_is_efault(void)
{
	uint8_t *edge = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const uint8_t *ro;
	unsigned int i;
	uint32_t size;

	REQUIRE(!up(), "%s", vm_why());
	munmap(edge + 4096, 4096);
	for (i = 0; i < NR_REQUESTS; i++) {
		const struct request *req = &requests[i];

		EXPECT(vm_ioctl(fd, req->nr, NULL), -EFAULT);
		EXPECT(vm_ioctl(fd, req->nr, (void *)-8), -EFAULT);
		EXPECT(vm_ioctl(fd, req->nr, (void *)(1ULL << 63)), -EFAULT);
		EXPECT(vm_ioctl(fd, req->nr, edge + 4094), -EFAULT);
		size = req->size;
		memcpy(edge + 4092, &size, 4);
		EXPECT(vm_ioctl(fd, req->nr, edge + 4092), -EFAULT);
	}
	/* Readable, but the answer cannot be written. */
	memset(edge, 0, 4096);
	size = sizeof(struct npmu_ioc_info);
	memcpy(edge, &size, 4);
	mprotect(edge, 4096, PROT_READ);
	ro = edge;
	EXPECT(vm_ioctl(fd, NPMU_IOC_INFO, (void *)ro), -EFAULT);
	munmap(edge, 4096);
	down();
}

static void flags__unknown_are_eopnotsupp(void)
{
	uint8_t arg[1024];
	unsigned int i, bit;
	uint32_t flags;
	int ret;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < NR_REQUESTS; i++) {
		for (bit = 0; bit < 32; bit++) {
			if (requests[i].nr == NPMU_IOC_WAIT && bit < 2)
				continue;
			if (requests[i].nr == NPMU_IOC_READER_ATTACH && bit < 1)
				continue;
			memset(arg, 0, sizeof(arg));
			requests[i].fill(arg);
			memcpy(arg, &requests[i].size, 4);
			memcpy(&flags, arg + 4, 4);
			flags |= 1U << bit;
			memcpy(arg + 4, &flags, 4);
			ret = vm_ioctl(fd, requests[i].nr, arg);
			CHECK(ret == -EOPNOTSUPP, "%s bit %u: %s", requests[i].name, bit,
			      vm_strerror(ret));
		}
	}
	struct npmu_ioc_wait wait = {
		.size = sizeof(wait), .flags = NPMU_WAIT_F_ARM, .reserved = 1,
	};
	EXPECT(vm_ioctl(fd, NPMU_IOC_WAIT, &wait), -EOPNOTSUPP);
	down();
}

static void request__unknown_is_enotty(void)
{
	struct npmu_ioc_info info = { .size = sizeof(info) };
	unsigned int nr;

	REQUIRE(!up(), "%s", vm_why());
	for (nr = NR_REQUESTS; nr < 256; nr++)
		EXPECT(vm_ioctl(fd, _IO(NPMU_IOC_TYPE, nr), &info), -ENOTTY);
	EXPECT(vm_ioctl(fd, _IO(NPMU_IOC_TYPE ^ 1, 0), &info), -ENOTTY);
	/* The same number with another size or direction is another request. */
	EXPECT(vm_ioctl(fd, _IOR(NPMU_IOC_TYPE, 0, struct npmu_ioc_info), &info), -ENOTTY);
	EXPECT(vm_ioctl(fd, _IOWR(NPMU_IOC_TYPE, 0, struct npmu_ioc_info), &info), -ENOTTY);
	EXPECT(vm_ioctl(fd, 0xffffffffUL, &info), -ENOTTY);
	EXPECT(vm_ioctl(fd, 0, &info), -ENOTTY);
	down();
}

static void request__that_fails_changes_nothing(void)
{
	struct npmu_ioc_info before, after;
	unsigned int i;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_info(fd, &before), 0);
	for (i = 0; i < NR_REQUESTS; i++) {
		uint8_t arg[1024] = {};
		uint32_t size = requests[i].size - 1;

		memcpy(arg, &size, 4);
		vm_ioctl(fd, requests[i].nr, arg);
	}
	EXPECT(vm_info(fd, &after), 0);
	CHECK(!memcmp(&before, &after, sizeof(before)), "the open changed");
	down();
}

static void persist__checks_its_range(void)
{
	static const struct { uint64_t offset, length; int want; } ranges[] = {
		{ 0, 0, 0 },
		{ 0, 1, 0 },
		{ 1, SIZE - 1, 0 },
		{ 0, SIZE, 0 },
		{ SIZE, 0, 0 },
		{ SIZE - 1, 1, 0 },
		{ 0, SIZE + 1, -EINVAL },
		{ SIZE, 1, -EINVAL },
		{ SIZE + 1, 0, -EINVAL },
		{ 1, SIZE, -EINVAL },
		{ UINT64_MAX, 1, -EINVAL },
		{ 1, UINT64_MAX, -EINVAL },
		{ UINT64_MAX, UINT64_MAX, -EINVAL },
		{ 4096, UINT64_MAX - 4095, -EINVAL },
		{ UINT64_MAX - 4095, 4096, -EINVAL },
		{ 1ULL << 63, 1ULL << 63, -EINVAL },
		{ 0, UINT64_MAX, -EINVAL },
	};
	unsigned int i;
	int ret, rd;

	REQUIRE(!up(), "%s", vm_why());
	rd = vm_open("t", "r", O_RDONLY);
	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		ret = vm_persist(fd, ranges[i].offset, ranges[i].length);
		CHECK(ret == ranges[i].want, "offset %#lx length %#lx: %s", ranges[i].offset,
		      ranges[i].length, vm_strerror(ret));
		ret = vm_persist(rd, ranges[i].offset, ranges[i].length);
		CHECK(ret == ranges[i].want, "reading, offset %#lx length %#lx: %s",
		      ranges[i].offset, ranges[i].length, vm_strerror(ret));
	}
	close(rd);
	down();
}

static void info__tells_what_is_open(void)
{
	struct npmu_region_info region;
	struct npmu_unit_info unit;
	struct npmu_ioc_info info;
	int rd;

	REQUIRE(!up(), "%s", vm_why());
	rd = vm_open("t", "r", O_RDONLY);
	EXPECT(vm_get("t", "r", &region), 0);
	EXPECT(vm_unit("t", &unit), 0);
	EXPECT(vm_info(fd, &info), 0);
	CHECK(info.size == sizeof(info), "size %u", info.size);
	CHECK(info.region_size == SIZE && info.region_size == region.size, "region size");
	CHECK(info.pm_addr == region.pm_addr && info.pm_addr, "PM address");
	CHECK(info.fence_epoch == region.fence_epoch && info.fence_epoch == 1, "fence epoch");
	CHECK(info.entry_id && info.entry_id == info.writer_id, "writer");
	CHECK(info.writer_pid == (uint32_t)getpid(), "writer pid");
	CHECK(!info.last_writer_epoch && !info.last_writer_pid, "last writer");
	CHECK(!memcmp(info.unit_uuid, unit.uuid, 16), "unit uuid");
	CHECK(!memcmp(info.region_uuid, region.uuid, 16), "region uuid");
	CHECK(info.persistence_class == unit.persistence_class, "class");
	CHECK(info.access == (NPMU_ACCESS_READ | NPMU_ACCESS_WRITE), "access");
	CHECK(info.role == NPMU_ROLE_HELD && !info.dead, "role");
	CHECK(!strcmp((char *)info.unit_name, "t"), "unit name");
	CHECK(!strcmp((char *)info.region_name, "r"), "region name");
	EXPECT(vm_info(rd, &info), 0);
	CHECK(info.access == NPMU_ACCESS_READ, "access of a reader");
	CHECK(info.entry_id != info.writer_id, "a reader is the writer");
	close(rd);
	down();
}

int main(void)
{
	VM_RUN(size__exact_is_accepted);
	VM_RUN(size__short_is_einval);
	VM_RUN(size__long_with_zeros_is_accepted);
	VM_RUN(size__long_with_more_is_e2big);
	VM_RUN(size__huge_is_refused);
	VM_RUN(pointer__bad_is_efault);
	VM_RUN(flags__unknown_are_eopnotsupp);
	VM_RUN(request__unknown_is_enotty);
	VM_RUN(request__that_fails_changes_nothing);
	VM_RUN(persist__checks_its_range);
	VM_RUN(info__tells_what_is_open);
	return vm_end();
}
