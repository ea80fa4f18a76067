// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A region's handle on a memory file: opening, mapping, persisting, forking.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include "../../lib/handle.h"
#include "lib_memory.h"

#define SIZE	(64 << 10)

static void open__what_is_not_a_region(void)
{
	static const char *const names[] = {
		"", "unit", "unit/", "/region", "a/b/c", "../b", "a/..", "./b",
		"a//b", "/dev/null", "/etc/passwd", "/nonexistent", "unit0/nothere",
	};
	struct npmu_region *region;
	struct npmu_error err;
	char name[600];
	size_t i;
	int fd[2];

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		region = (void *)1;
		CHECK(npmu_region_open(names[i], 0, &region, &err) < 0 && !region &&
		      err.code && err.text[0], "\"%s\"", names[i]);
	}
	CHECK(npmu_region_open("/dev/null", 0, &region, &err) == -ENOTTY, "null");
	CHECK(npmu_region_open("unit0/r", 0, &region, &err) == -ENOENT &&
	      strstr(err.text, "modprobe npmu"), "no module: %s", err.text);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	name[300] = '/';
	CHECK(npmu_region_open(name, 0, &region, &err) == -ENAMETOOLONG, "long");
	CHECK(npmu_region_open("a/b", 2, &region, &err) == -EINVAL, "a flag");
	CHECK(npmu_region_open(NULL, 0, &region, &err) == -EINVAL, "no name");
	CHECK(npmu_region_open("a/b", 0, NULL, &err) == -EINVAL, "no place");
	CHECK(npmu_region_open("a/b", 0, &region, NULL) == -ENOENT, "no error");
	CHECK(npmu_region_open_fd(-1, 0, &region, &err) == -EBADF, "no descriptor");
	CHECK(!pipe(fd), "pipe");
	CHECK(npmu_region_open_fd(fd[0], 0, &region, &err) == -ENOTTY, "a pipe");
	CHECK(npmu_region_open_fd(fd[0], 1, &region, &err) == -EACCES, "for reading");
	CHECK(npmu_region_open_fd(fd[1], 0, &region, &err) == -EACCES, "for writing");
	close(fd[0]);
	close(fd[1]);
	CHECK(npmu_region_open_file("/dev/null", 0, &region, &err) == -EINVAL, "null");
	CHECK(npmu_region_open_file("/", 0, &region, &err) == -EINVAL, "directory");
	CHECK(npmu_region_open_file("/nonexistent", 0, &region, &err) == -ENOENT, "no");
	npmu_region_close(NULL);
}

static void region__roles_of_a_file(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ioc_info info;
	uint64_t epoch = 77;

	CHECK(npmu_region_is_writer(region), "mapping for writing claims");
	CHECK(!npmu_region_claim(region, &epoch) && epoch == 1, "claim again");
	CHECK(npmu_region_map(region, 0) == -EBUSY, "mapped already");
	npmu_region_unmap(region);
	CHECK(!npmu_region_addr(region) && !npmu_region_length(region), "unmapped");
	CHECK(npmu_region_is_writer(region), "the role stays");
	CHECK(npmu_region_map(region, 64) == -EINVAL, "a flag");
	CHECK(!npmu_region_map(region, 0), "map");
	CHECK(!npmu_region_resign(region), "resign");
	CHECK(npmu_region_resign(region) == -EPERM, "resign again");
	CHECK(npmu_region_kick(region) == -EPERM, "kick");
	CHECK(npmu_region_error(region)[0], "a text");
	CHECK(!npmu_region_info(region, &info) && info.role == NPMU_ROLE_VACANT &&
	      info.region_size == SIZE && info.fence_epoch == 1, "info");
	CHECK(!npmu_region_require(region, NPMU_CLASS_VOLATILE), "class");
	CHECK(npmu_region_require(region, NPMU_CLASS_WARM) == -EOPNOTSUPP, "class");
	CHECK(npmu_region_require(region, 4) == -EINVAL, "no such class");
	CHECK(npmu_class_parse("saved") == NPMU_CLASS_SAVED, "parse");
	CHECK(npmu_class_parse("safe") == -EINVAL, "parse");
	CHECK(!strcmp(npmu_event_name(1000), "unknown"), "name");
	npmu_region_close(region);
}

/* With each way of persisting: the bytes, and nothing beside them. */
static void memcpy_persist__every_length_and_alignment(void)
{
	static const struct npmu_persist_ops *ops[2];
	struct npmu_region *region = memory_new(SIZE);
	unsigned char *base = npmu_region_addr(region);
	unsigned char want[512], from[512];
	size_t at, len;
	int i;

	ops[0] = npmu_persist_choose();
	ops[1] = &npmu_persist_kernel;
	fill(from, sizeof(from), 4);
	for (i = 0; i < 2; i++) {
		region->ops = ops[i];
		for (at = 0; at < 70; at++)
			for (len = 0; len < 300; len += i ? 37 : 1) {
				memset(base, 0xaa, 512);
				memset(want, 0xaa, 512);
				memcpy(want + at, from, len);
				CHECK(!npmu_memcpy_persist(region, base + at, from,
							   len), "%s", ops[i]->name);
				CHECK(!memcmp(base, want, 512), "%s %zu at %zu",
				      ops[i]->name, len, at);
			}
		CHECK(!npmu_persist(region, base + 3, 100), "persist");
		npmu_flush(region, base, SIZE);
		CHECK(!npmu_drain(region), "drain");
	}
	CHECK(npmu_persist(region, base + SIZE, 1) == -EINVAL, "past the end");
	CHECK(npmu_persist(region, base - 1, 1) == -EINVAL, "before the start");
	CHECK(npmu_region_sync(region, 1, UINT64_MAX) == -EINVAL, "wraps");
	npmu_region_close(region);
}

/* Without cache control of its own a commit works as well. */
static void commit__by_the_kernel(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w;
	struct npmu_ckpt_reader *r;
	char got[16];

	region->ops = &npmu_persist_kernel;
	w = writer_new(region, 0, 0);
	r = reader_new(region);
	CHECK(!npmu_ckpt_commit(w, "state", 6, 0), "commit");
	CHECK(!npmu_ckpt_read(r, got, sizeof(got), NULL) && !strcmp(got, "state"),
	      "read");
	npmu_ckpt_reader_close(r);
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

/* A commit that the fence overtakes says so; so does the one after. */
static void commit__kicks_and_sees_the_fence(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, 0, 0);

	region->own_status->kick_wanted = 1;
	CHECK(!npmu_ckpt_commit(w, "a", 1, 0) && region->status->kicks == 1 &&
	      !region->status->kick_wanted, "one kick");
	CHECK(!npmu_ckpt_commit(w, "b", 1, 0) && region->status->kicks == 1,
	      "no second one");
	region->own_status->writer = 99;
	CHECK(npmu_ckpt_commit(w, "c", 1, 0) == -ESTALE, "fenced");
	/* The same open again, but another incarnation of the writer. */
	region->own_status->writer = region->entry_id;
	CHECK(npmu_ckpt_commit(w, "d", 1, 0) == -ESTALE, "fenced for good");
	npmu_ckpt_writer_close(w);
	w = writer_new(region, 0, 0);
	CHECK(npmu_ckpt_writer_sequence(w) == 2, "nothing of it is there");
	region->own_status->fence_epoch++;
	CHECK(npmu_ckpt_commit(w, "e", 1, 0) == -ESTALE, "another epoch");
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

static int child_commits(unsigned int map_flags)
{
	struct npmu_region *region;
	struct npmu_ckpt_writer *w;
	int fd = memfd_create("npmu", MFD_CLOEXEC);
	int status, ok;
	pid_t pid;

	if (ftruncate(fd, SIZE))
		return -1;
	region = memory_open(fd, NPMU_MAP_WRITE | map_flags);
	w = writer_new(region, 0, 0);
	npmu_ckpt_commit(w, "parent", 6, 0);
	pid = fork();
	if (!pid) {
		/* The sanitizer would make an exit of it. */
		signal(SIGSEGV, SIG_DFL);
		npmu_ckpt_commit(w, "child", 5, 0);
		npmu_region_close(region);
		_exit(0);
	}
	waitpid(pid, &status, 0);
	ok = npmu_ckpt_commit(w, "parent", 6, 0);
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
	close(fd);
	return ok ? -1 : status;
}

static void fork__child_has_no_mapping(void)
{
	int status = child_commits(0);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV, "%x", status);
	status = child_commits(NPMU_MAP_FORK);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "kept: %x", status);
}

static void map__read_only(void)
{
	int fd = memfd_create("npmu", MFD_CLOEXEC);
	struct npmu_region *region;
	struct npmu_error err;
	char path[64];

	CHECK(!ftruncate(fd, 5000), "truncate");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(!npmu_region_open_file(path, NPMU_OPEN_READ, &region, &err), "open");
	CHECK(npmu_region_size(region) == 4096, "whole pages");
	CHECK(npmu_region_map(region, NPMU_MAP_WRITE) == -EACCES, "for writing");
	CHECK(npmu_region_claim(region, NULL) == -EBADF, "claim");
	CHECK(!npmu_region_map(region, NPMU_MAP_LAZY), "map");
	CHECK(!npmu_region_is_writer(region), "no role");
	npmu_region_close(region);
	CHECK(!ftruncate(fd, 4095), "truncate");
	CHECK(npmu_region_open_file(path, 0, &region, &err) == -EINVAL, "too short");
	close(fd);
}

static void wait__of_a_file(void)
{
	struct npmu_region *region = memory_new(SIZE);
	uint64_t *word = npmu_region_addr(region);
	uint32_t events = 0;

	word[1] = 5;
	CHECK(!npmu_region_wait(region, NPMU_WAIT_F_COMPARE, 8, 4, 0, &events) &&
	      events == NPMU_WAIT_CHANGED, "changed");
	CHECK(npmu_region_wait(region, NPMU_WAIT_F_COMPARE, 8, 5, 2000000, &events) ==
	      -ETIMEDOUT && !events, "the same");
	CHECK(npmu_region_wait(region, NPMU_WAIT_F_COMPARE, 4, 5, 0, NULL) == -EINVAL,
	      "not aligned");
	CHECK(npmu_region_wait(region, NPMU_WAIT_F_COMPARE, SIZE, 5, 0, NULL) ==
	      -EINVAL, "past the end");
	CHECK(npmu_region_wait(region, NPMU_WAIT_F_COMPARE, -8ULL, 5, 0, NULL) ==
	      -EINVAL, "wraps");
	CHECK(npmu_region_wait(region, 1 << 9, 0, 0, 0, NULL) == -EINVAL, "a flag");
	npmu_region_close(region);
}

static void bytes__of_a_file(void)
{
	struct npmu_region *region = memory_new(SIZE);
	char in[5000], out[5000] = { 0 };

	memset(in, 0x5c, sizeof(in));
	CHECK(!npmu_region_write(region, 4093, in, sizeof(in)), "write");
	CHECK(!memcmp((char *)npmu_region_addr(region) + 4093, in, sizeof(in)), "mapped");
	CHECK(!npmu_region_read(region, 4093, out, sizeof(out)) &&
	      !memcmp(in, out, sizeof(in)), "read");
	CHECK(!npmu_region_read(region, SIZE, NULL, 0), "nothing");
	CHECK(npmu_region_read(region, SIZE - 1, out, 2) == -EINVAL, "past the end");
	CHECK(npmu_region_read(region, -1ULL, out, 2) == -EINVAL, "wraps");
	CHECK(npmu_region_write(region, 1, in, SIZE) == -EINVAL, "too long");
	CHECK(npmu_region_read(region, 0, NULL, 1) == -EINVAL, "no place");
	npmu_region_resign(region);
	CHECK(npmu_region_write(region, 0, in, 1) == -EPERM, "not the writer");
	npmu_region_close(region);
}

static void reconnect__of_what_is_here(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_error err;

	CHECK(!npmu_region_reconnect(region, &err) && !npmu_region_reconnect(region, NULL),
	      "nothing was lost");
	CHECK(npmu_region_create("u/r", 4096, &err) == -EOPNOTSUPP &&
	      strstr(err.text, "npmu-admin region create"), "of this host: %s", err.text);
	CHECK(npmu_region_create(NULL, 4096, &err) == -EINVAL, "no name");
	npmu_region_close(region);
}

int main(void)
{
	TAP_RUN(open__what_is_not_a_region);
	TAP_RUN(region__roles_of_a_file);
	TAP_RUN(memcpy_persist__every_length_and_alignment);
	TAP_RUN(commit__by_the_kernel);
	TAP_RUN(commit__kicks_and_sees_the_fence);
	TAP_RUN(fork__child_has_no_mapping);
	TAP_RUN(map__read_only);
	TAP_RUN(wait__of_a_file);
	TAP_RUN(bytes__of_a_file);
	TAP_RUN(reconnect__of_what_is_here);
	return tap_end();
}
