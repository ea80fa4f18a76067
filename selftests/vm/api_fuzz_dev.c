// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The API fuzzer's calls on files of regions: open, close, ioctl, read and write, and
 * the one commit whose promise is kept count of. Must not know netlink.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/syscall.h>

#include "api_fuzz.h"
#include "ckptimage.h"

static const struct {
	enum af_op op;
	unsigned long request;
	size_t size;
} ioctls[] = {
	{ AF_INFO, NPMU_IOC_INFO, sizeof(struct npmu_ioc_info) },
	{ AF_PERSIST, NPMU_IOC_PERSIST, sizeof(struct npmu_ioc_persist) },
	{ AF_CLAIM, NPMU_IOC_CLAIM, sizeof(struct npmu_ioc_claim) },
	{ AF_TAKEOVER, NPMU_IOC_TAKEOVER, sizeof(struct npmu_ioc_takeover) },
	{ AF_RESIGN, NPMU_IOC_RESIGN, sizeof(struct npmu_ioc_resign) },
	{ AF_KICK, NPMU_IOC_KICK, sizeof(struct npmu_ioc_kick) },
	{ AF_WAIT, NPMU_IOC_WAIT, sizeof(struct npmu_ioc_wait) },
	{ AF_SINK, NPMU_IOC_SINK, sizeof(struct npmu_ioc_sink) },
	{ AF_READER_ATTACH, NPMU_IOC_READER_ATTACH, sizeof(struct npmu_ioc_reader_attach) },
	{ AF_READER_ACK, NPMU_IOC_READER_ACK, sizeof(struct npmu_ioc_reader_ack) },
	{ AF_READER_DETACH, NPMU_IOC_READER_DETACH, sizeof(struct npmu_ioc_reader_detach) },
};

union any {
	uint32_t head[2];
	struct npmu_ioc_info info;
	struct npmu_ioc_persist persist;
	struct npmu_ioc_claim claim;
	struct npmu_ioc_takeover takeover;
	struct npmu_ioc_wait wait;
	struct npmu_ioc_reader_attach attach;
	struct npmu_ioc_reader_ack ack;
	struct npmu_ioc_reader_detach detach;
	char room[4096 + 64];
};

int af_file(struct af_thread *t)
{
	return t->files[af_below(&t->rng, AF_FILES)];
}

/* Units that are rarely open can be detached and formatted now and then. */
static void open_one(struct af_thread *t)
{
	static const char *const often[] = { "f0", "f0", "f2" };
	const char *unit = af_one_in(&t->rng, 6) ? af_unit_name(&t->rng) : often[af_below(&t->rng, 3)];
	static const int modes[] = { O_RDONLY, O_RDWR, O_RDWR, O_RDWR, O_WRONLY, 3 };
	int fd = vm_open(unit, af_region_name(&t->rng),
			 modes[af_below(&t->rng, 6)] | (af_one_in(&t->rng, 8) ? O_NONBLOCK : 0));

	af_count(AF_OPEN, fd);
	if (fd < 0)
		return;
	fd = atomic_exchange(&t->files[af_below(&t->rng, AF_FILES)], fd);
	if (fd >= 0)
		close(fd);
}

static void fill_ioctl(struct af_thread *t, unsigned int i, union any *arg)
{
	memset(arg, 0, sizeof(*arg));
	arg->head[0] = ioctls[i].size;
	switch (ioctls[i].op) {
	case AF_PERSIST:
		arg->persist.offset = af_one_in(&t->rng, 4) ? af_telling(&t->rng) : 0;
		arg->persist.length = af_one_in(&t->rng, 4) ? af_telling(&t->rng) : 4096;
		break;
	case AF_TAKEOVER:
		arg->takeover.expected_epoch = af_below(&t->rng, 30);
		break;
	case AF_WAIT:
		arg->head[1] = af_below(&t->rng, 4);
		arg->wait.offset = af_one_in(&t->rng, 4) ? af_telling(&t->rng) : AF_WORD;
		arg->wait.timeout_ns = af_below(&t->rng, 20000000);
		break;
	case AF_READER_ATTACH:
		arg->head[1] = af_below(&t->rng, 2);
		arg->attach.instance = 1;
		arg->attach.position = af_below(&t->rng, 8) * 64;
		arg->attach.name[0] = 'a' + af_below(&t->rng, 4);
		break;
	case AF_READER_ACK:
		arg->ack.position = af_one_in(&t->rng, 8) ? af_telling(&t->rng) :
				    af_below(&t->rng, 64) * 64;
		break;
	case AF_READER_DETACH:
		if (af_one_in(&t->rng, 2))
			arg->detach.name[0] = 'a' + af_below(&t->rng, 4);
		break;
	default:
		break;
	}
	if (!af_one_in(&t->rng, 5))
		return;
	switch (af_below(&t->rng, 4)) {
	case 0:
		arg->head[0] = af_one_in(&t->rng, 2) ? af_telling(&t->rng) :
			       arg->head[0] + af_below(&t->rng, 9) - 4;
		break;
	case 1:
		arg->head[1] = af_next(&t->rng);
		break;
	case 2:
		/* What only a later version knows. */
		arg->head[0] += 8;
		arg->room[ioctls[i].size + af_below(&t->rng, 8)] = af_below(&t->rng, 2);
		break;
	default:
		arg->room[8 + af_below(&t->rng, ioctls[i].size)] = af_next(&t->rng);
	}
}

/* The epoch that a takeover must name, looked up as a program would. */
static void aim(int fd, union any *arg)
{
	struct npmu_ioc_info info;

	if (!vm_info(fd, &info))
		arg->takeover.expected_epoch = info.fence_epoch;
}

/* What readers need; a header alone, and it is spoiled soon enough. */
static void make_checkpoint(int fd)
{
	char page[NPMU_CKPT_HEADER1 + NPMU_CKPT_HEADER_SIZE] = { 0 };

	ckpt_put_header(page, ckpt_header(NPMU_CKPT_FORM_APPEND, 1, 1));
	vm_pwrite(fd, page, NPMU_CKPT_HEADER_SIZE, NPMU_CKPT_HEADER0);
	vm_pwrite(fd, page + NPMU_CKPT_HEADER1, NPMU_CKPT_HEADER_SIZE, NPMU_CKPT_HEADER1);
}

/* By who has just become a reader; of the others few are one. */
static void acknowledge(struct af_thread *t, int fd)
{
	struct npmu_ioc_reader_ack ack = {
		.size = sizeof(ack), .position = af_below(&t->rng, 16) * 64,
	};

	af_count(AF_READER_ACK, vm_ioctl(fd, NPMU_IOC_READER_ACK, &ack));
}

static void one_ioctl(struct af_thread *t)
{
	unsigned int i = af_below(&t->rng, sizeof(ioctls) / sizeof(ioctls[0]));
	int fd = dup(af_file(t)), ret;	/* not to be another's meanwhile */
	struct npmu_ioc_info info;
	void *to;
	union any arg = { 0 };

	if (af_one_in(&t->rng, 16)) {
		af_count(AF_OTHER_IOCTL, vm_ioctl(fd, af_one_in(&t->rng, 2) ? af_next(&t->rng) :
					  ioctls[i].request + af_below(&t->rng, 0x40000), &arg));
		close(fd);
		return;
	}
	fill_ioctl(t, i, &arg);
	to = &arg;
	if (ioctls[i].op == AF_TAKEOVER && !af_one_in(&t->rng, 3))
		aim(fd, &arg);
	if (ioctls[i].op == AF_READER_ATTACH && af_one_in(&t->rng, 4))
		make_checkpoint(fd);
	if (af_one_in(&t->rng, 24))
		to = af_one_in(&t->rng, 2) ? t->maps[0].addr : (void *)af_telling(&t->rng);
	ret = af_count(ioctls[i].op, vm_ioctl(fd, ioctls[i].request, to));
	if (!ret && ioctls[i].op == AF_READER_ATTACH)
		acknowledge(t, fd);
	/* From now on nobody commits under a lower epoch. */
	if (!ret && to == &arg && (ioctls[i].op == AF_CLAIM || ioctls[i].op == AF_TAKEOVER) &&
	    arg.claim.size == ioctls[i].size && !vm_info(fd, &info) && info.entry_id)
		af_raise(&af_region(info.region_uuid)->epoch, ioctls[i].op == AF_CLAIM ?
			 arg.claim.fence_epoch : arg.takeover.fence_epoch);
	close(fd);
}

/* The first page belongs to commit_one(); a buffer may be anywhere. */
static void read_write(struct af_thread *t)
{
	char own[8192];
	bool far = af_one_in(&t->rng, 8);
	unsigned int map = af_below(&t->rng, AF_MAPS);
	void *buf = far ? t->maps[map].addr : own;
	uint64_t offset = af_one_in(&t->rng, 4) ? af_telling(&t->rng) :
			  4096 + af_below(&t->rng, 64) * 4096;
	size_t len = far ? t->maps[map].len : af_below(&t->rng, sizeof(own));
	int fd = af_file(t);

	memset(own, 'o', sizeof(own));
	if (af_one_in(&t->rng, 3))
		af_count(AF_READ, vm_pread(fd, buf, len, offset));
	else if (offset >= 4096)
		af_count(AF_WRITE, vm_pwrite(fd, buf, len, offset));
}

static void other_calls(struct af_thread *t)
{
	int fd = af_file(t);
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLPRI };

	switch (af_below(&t->rng, 4)) {
	case 0:
		af_count(AF_SEEK, lseek(fd, af_telling(&t->rng), af_below(&t->rng, 6)) < 0 ? -errno : 0);
		break;
	case 1:
		af_count(AF_FSYNC, fsync(fd) ? -errno : 0);
		break;
	case 2:
		af_count(AF_POLL, poll(&p, 1, af_below(&t->rng, 10)) < 0 ? -errno : 0);
		break;
	default:
		fd = atomic_exchange(&t->files[af_below(&t->rng, AF_FILES)], -1);
		if (fd >= 0)
			close(fd);
	}
}

/*
 * One commit, as the library makes it: store, fence the CPU, look at the status page.
 * The word at AF_WORD is stored to by nobody else and only rises; what a commit put
 * there stays, and no commit returns under an epoch that another call has ended.
 */
static void commit(int fd, const struct npmu_ioc_info *info, volatile uint64_t *word,
		   const volatile struct npmu_status *status)
{
	struct af_region *region = af_region(info->region_uuid);
	uint64_t epoch = status->fence_epoch, ended, landed, value;
	struct npmu_ioc_info now;

	if (status->writer != info->entry_id)
		return;
	ended = atomic_load(&region->epoch);
	if (vm_store(word, epoch))
		return;
	atomic_thread_fence(memory_order_seq_cst);
	if (status->writer != info->entry_id || status->fence_epoch != epoch)
		return;
	if (ended > epoch)
		af_broken("%s/%s: a commit under epoch %llu returned after epoch %llu began",
			  info->unit_name, info->region_name, (unsigned long long)epoch,
			  (unsigned long long)ended);
	af_raise(&region->landed, epoch);
	atomic_fetch_add(&af->commits, 1);
	af_count(AF_COMMIT, 0);
	landed = atomic_load(&region->landed);
	if (vm_pread(fd, &value, sizeof(value), AF_WORD) == sizeof(value) && value < landed &&
	    !vm_info(fd, &now) && !now.dead)
		af_broken("%s/%s: epoch %llu was committed, %llu is there", info->unit_name,
			  info->region_name, (unsigned long long)landed, (unsigned long long)value);
}

static void commit_one(struct af_thread *t)
{
	int fd = dup(af_file(t));	/* not to be another's meanwhile */
	const volatile struct npmu_status *status = NULL;
	struct npmu_ioc_info info;
	char *page = NULL;

	if (fd < 0)
		return;
	if (!vm_info(fd, &info)) {
		page = vm_map(fd, 0, 4096, PROT_READ | PROT_WRITE);
		status = vm_status(fd);
	}
	if (page && status) {
		int times = 1 + af_below(&t->rng, 4);

		while (times--)
			commit(fd, &info, (void *)(page + AF_WORD), status);
	}
	if (page)
		munmap(page, 4096);
	if (status)
		munmap((void *)status, NPMU_STATUS_SIZE);
	close(fd);
}

void af_device(struct af_thread *t)
{
	switch (af_below(&t->rng, 12)) {
	case 0:
	case 1:
	case 2:
		open_one(t);
		break;
	case 3:
	case 4:
		read_write(t);
		break;
	case 5:
		other_calls(t);
		break;
	case 6:
	case 7:
		commit_one(t);
		break;
	default:
		one_ioctl(t);
	}
}
