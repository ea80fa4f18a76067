// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A process pair of which one or both are remote, through the public calls of the library:
 * following, takeover both ways, death, and what is refused before anything is open.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>

#include <npmu/ckpt.h>

#include "remotehost.h"

#define SIZE	(16 * MIB)
#define BASE	(100 * KIB)
#define SECOND	1000000000ULL
#define COMMITTED	"/tmp/remote.committed"

static void host__comes_up(void)
{
	REQUIRE(!remote_up(SIZE), "%s", vm_why());
}

/* A primary with a base and ten updates, and a backup that has read half of them. */
struct pair {
	struct npmu_region *primary, *backup;
	struct npmu_append_writer *w;
	struct npmu_append_reader *r;
};

static bool pair_begin(struct pair *p, const char *primary, const char *backup)
{
	struct npmu_append_item item;
	uint64_t n;

	memset(p, 0, sizeof(*p));
	p->primary = remote_mapped(primary, NPMU_OPEN_WRITE);
	p->w = p->primary ? remote_writer(p->primary, NPMU_APPEND_INIT) : NULL;
	p->backup = remote_open(backup, NPMU_OPEN_WRITE);
	if (!p->w || !p->backup || npmu_region_map(p->backup, 0) ||
	    npmu_append_reader_open(p->backup, &p->r, &remote_err))
		return false;
	EXPECT(remote_base(p->w, BASE, 3), 0);
	for (n = 0; n < 5; n++)
		EXPECT(remote_update(p->w, n, 100), 0);
	EXPECT(remote_read_base(p->r, BASE, 3), 0);
	EXPECT(remote_read_updates(p->r, 0), 5);
	for (; n < 10; n++)
		EXPECT(remote_update(p->w, n, 100), 0);
	EXPECT(npmu_append_next(p->r, &item), 0);
	CHECK(item.tag == 5, "update %llu", (unsigned long long)item.tag);
	return true;
}

static void pair_end(struct pair *p)
{
	npmu_append_reader_close(p->r);
	npmu_append_writer_close(p->w);
	npmu_region_close(p->backup);
	npmu_region_close(p->primary);
}

static void takeover(const char *primary, const char *backup)
{
	struct npmu_append_writer *next = NULL;
	struct npmu_append_who who;
	struct npmu_region *third;
	struct npmu_append_reader *r;
	struct pair p;
	uint64_t n;

	REQUIRE(pair_begin(&p, primary, backup), "no pair: %s", remote_err.text);
	EXPECT(npmu_append_who(p.r, &who), 0);
	CHECK(who.alive, "there is no writer");
	CHECK(npmu_append_takeover(p.r, who.current_epoch + 7, NULL, &next, &remote_err) == -ESTALE,
	      "of another epoch");
	EXPECT(remote_update(p.w, 10, 100), 0);
	EXPECT(npmu_append_takeover(p.r, who.current_epoch, NULL, &next, &remote_err), 0);
	REQUIRE(next, "%s", remote_err.text);
	EXPECT(remote_update(p.w, 11, 100), -ESTALE);
	EXPECT(remote_update(p.w, 11, 100), -ESTALE);
	EXPECT(remote_read_updates(p.r, 6), 5);
	for (n = 11; n < 15; n++)
		EXPECT(remote_update(next, n, 100), 0);
	third = remote_mapped("u/r", 0);
	REQUIRE(third, "not open");
	EXPECT(npmu_append_reader_open(third, &r, &remote_err), 0);
	EXPECT(remote_read_base(r, BASE, 3), 0);
	EXPECT(remote_read_updates(r, 0), 15);
	npmu_append_reader_close(r);
	npmu_region_close(third);
	npmu_append_writer_close(next);
	pair_end(&p);
}

static void takeover__of_a_remote_primary_by_a_remote_backup(void)
{
	takeover(REMOTE_URL, REMOTE_URL);
}

static void takeover__of_a_remote_primary_by_a_local_backup(void)
{
	takeover(REMOTE_URL, "u/r");
}

static void takeover__of_a_local_primary_by_a_remote_backup(void)
{
	takeover("u/r", REMOTE_URL);
}

/* Follows until update 19. */
static int follow(const char *name)
{
	struct npmu_append_reader *r = NULL;
	struct npmu_region *region = remote_mapped(name, 0);
	uint64_t from = 0;
	int code, n;

	if (!region || npmu_append_reader_open(region, &r, &remote_err))
		return 10;
	while ((code = remote_read_base(r, BASE, 4)))
		if (code != -ENODATA && code != -EBADMSG)
			return 11;
	while (from < 20) {
		n = remote_read_updates(r, from);
		if (n < 0)
			return 12;
		from += (uint64_t)n;
		if (from < 20 && npmu_append_wait(r, vm_patience(30000) * 1000000ULL) < 0)
			return 13;
	}
	npmu_append_reader_close(r);
	npmu_region_close(region);
	return 0;
}

static void follow__is_woken(const char *writes, const char *reads)
{
	struct npmu_region *region = remote_mapped(writes, NPMU_OPEN_WRITE);
	struct npmu_append_writer *w = region ? remote_writer(region, NPMU_APPEND_INIT) : NULL;
	uint64_t n;
	pid_t pid;

	REQUIRE(w, "no writer");
	EXPECT(remote_base(w, BASE, 4), 0);
	pid = vm_child(remote_program, (char *[]){ "remote_pair", "follow", (char *)reads, NULL });
	for (n = 0; n < 20; n++) {
		vm_sleep_ms(n < 10 ? 50 : 0);
		EXPECT(remote_update(w, n, 200), 0);
	}
	EXPECT(vm_reap(pid, 60000), 0);
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

static void follow__a_remote_primary_remotely(void)
{
	follow__is_woken(REMOTE_URL, REMOTE_URL);
}

static void follow__a_local_primary_remotely(void)
{
	follow__is_woken("u/r", REMOTE_URL);
}

static void follow__a_remote_primary_locally(void)
{
	follow__is_woken(REMOTE_URL, "u/r");
}

/* How many updates were committed: of the child, for who looks. */
static volatile uint64_t *committed_map(void)
{
	int fd = open(COMMITTED, O_RDWR | O_CREAT, 0600);
	void *map = MAP_FAILED;

	if (fd >= 0 && !ftruncate(fd, 4096))
		map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return map == MAP_FAILED ? NULL : map;
}

/* Writes until it is killed. */
static int write_on(void)
{
	struct npmu_region *region = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
	struct npmu_append_writer *w = region ? remote_writer(region, NPMU_APPEND_INIT) : NULL;
	volatile uint64_t *committed = committed_map();
	uint64_t n;

	if (!w || !committed || remote_base(w, BASE, 5))
		return 10;
	for (n = 0; n < 1000; n++) {
		if (remote_update(w, n, 100))
			return 11;
		*committed = n + 1;
	}
	pause();
	return 12;
}

static void death__is_seen_and_loses_nothing(void)
{
	volatile uint64_t *committed = committed_map();
	struct npmu_append_writer *next = NULL;
	struct npmu_append_reader *r = NULL;
	struct npmu_append_who who = { 0 };
	struct npmu_region *region;
	pid_t pid;
	int n;

	REQUIRE(committed, "mmap: %s", strerror(errno));
	pid = vm_child(remote_program, (char *[]){ "remote_pair", "write", NULL });
	CHECK(VM_UNTIL(*committed > 10, 60000), "no commits");
	region = remote_open(REMOTE_URL, NPMU_OPEN_WRITE);
	REQUIRE(region && !npmu_region_map(region, 0), "not open");
	EXPECT(npmu_append_reader_open(region, &r, &remote_err), 0);
	EXPECT(remote_read_base(r, BASE, 5), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	n = remote_read_updates(r, 0);
	CHECK(VM_UNTIL(npmu_append_wait(r, SECOND) == 1 && !npmu_append_who(r, &who) && !who.alive,
		       30000), "the death is not told");
	EXPECT(npmu_append_takeover(r, who.current_epoch, NULL, &next, &remote_err), 0);
	n += remote_read_updates(r, (uint64_t)n);
	CHECK(n >= 0 && (uint64_t)n >= *committed, "%d updates of %llu", n,
	      (unsigned long long)*committed);
	CHECK(n >= 0 && (uint64_t)n <= *committed + 1, "%d updates of %llu", n,
	      (unsigned long long)*committed);
	if (next)
		EXPECT(remote_update(next, (uint64_t)n, 100), 0);
	npmu_append_writer_close(next);
	npmu_append_reader_close(r);
	npmu_region_close(region);
	munmap((void *)committed, 4096);
	unlink(COMMITTED);
}

static void fence__by_the_administrator_is_stale(void)
{
	struct pair p;

	REQUIRE(pair_begin(&p, REMOTE_URL, "u/r"), "no pair");
	EXPECT(vm_fence("u", "r"), 0);
	EXPECT(remote_update(p.w, 10, 100), -ESTALE);
	EXPECT(npmu_region_claim(p.primary, NULL), -ESTALE);
	pair_end(&p);
}

static void role__is_one_writers(void)
{
	struct npmu_region *a = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE), *b;

	REQUIRE(a, "not open");
	b = remote_open(REMOTE_URL, NPMU_OPEN_WRITE);
	REQUIRE(b, "not open again");
	EXPECT(npmu_region_map(b, NPMU_MAP_WRITE), -EBUSY);
	EXPECT(npmu_region_resign(a), 0);
	EXPECT(npmu_region_map(b, NPMU_MAP_WRITE), 0);
	EXPECT(npmu_region_claim(a, NULL), -EBUSY);
	npmu_region_close(b);
	CHECK(VM_UNTIL(!npmu_region_claim(a, NULL), 30000), "%s", npmu_region_error(a));
	npmu_region_close(a);
}

static void overwrite_form__is_read_back(void)
{
	struct npmu_region *a = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
	struct npmu_region *b = remote_mapped(REMOTE_URL, 0), *c = remote_mapped("u/r", 0);
	struct npmu_region *reads[] = { b, c };
	struct npmu_ckpt_writer *w = NULL;
	struct npmu_ckpt_reader *r;
	struct npmu_ckpt_info info;
	static char state[300000], buf[300000];
	uint64_t n;
	int i;

	REQUIRE(a && b && c, "not open");
	EXPECT(npmu_ckpt_writer_open(a, sizeof(state), NPMU_CKPT_INIT, &w, &remote_err), 0);
	REQUIRE(w, "%s", remote_err.text);
	for (n = 0; n < 4; n++) {
		vm_fill(state, sizeof(state), n * sizeof(state), 6);
		EXPECT(npmu_ckpt_commit(w, state, sizeof(state), n), 0);
		for (i = 0; i < 2; i++) {
			EXPECT(npmu_ckpt_reader_open(reads[i], &r, &remote_err), 0);
			EXPECT(npmu_ckpt_read(r, buf, sizeof(buf), &info), 0);
			CHECK(info.tag == n && info.length == sizeof(buf) &&
			      !memcmp(buf, state, sizeof(buf)), "state %llu, reader %d",
			      (unsigned long long)n, i);
			npmu_ckpt_reader_close(r);
		}
	}
	npmu_ckpt_writer_close(w);
	npmu_region_close(c);
	npmu_region_close(b);
	npmu_region_close(a);
}

static int open_code(const char *url)
{
	struct npmu_region *region;
	int code = npmu_region_open(url, 0, &region, &remote_err);

	printf("# %s: %s\n", url, remote_err.text);
	if (!code)
		npmu_region_close(region);
	return code;
}

static void open__says_what_is_wrong(void)
{
	EXPECT(open_code("npmu://alice@" NI_ADDRESS), -EINVAL);
	EXPECT(open_code("npmu://alice@" NI_ADDRESS "/u"), -EINVAL);
	EXPECT(open_code("npmu://alice@" NI_ADDRESS ":0/u/r"), -EINVAL);
	EXPECT(open_code("npmu://alice@" NI_ADDRESS "/u/r/s"), -EINVAL);
	EXPECT(open_code("npmu://" NI_ADDRESS "/u/r"), -EINVAL);
	EXPECT(open_code("npmu://alice@" NI_ADDRESS "/u/none"), -ENOENT);
	EXPECT(open_code("npmu://alice@" NI_ADDRESS "/none/r"), -ENOENT);
	EXPECT(open_code("npmu://alice@" NI_ADDRESS ":6769/u/r"), -ECONNREFUSED);
	EXPECT(open_code("npmu://bob@" NI_ADDRESS "/u/r"), -EACCES);
	EXPECT(open_code("npmu://a@b@" NI_ADDRESS "/u/r"), -EACCES);
}

static void key_file__must_be_ones_own_and_a_key(void)
{
	EXPECT(remote_write_key(REMOTE_KEY, "alice", 0644), 0);
	EXPECT(open_code(REMOTE_URL), -EACCES);
	EXPECT(remote_write_key(REMOTE_KEY, "mallory", 0600), 0);
	EXPECT(open_code(REMOTE_URL), -EACCES);
	EXPECT(vm_sh("echo 0123 >%s", REMOTE_KEY), 0);
	EXPECT(open_code(REMOTE_URL), -EINVAL);
	unlink(REMOTE_KEY);
	EXPECT(open_code(REMOTE_URL), -ENOENT);
	EXPECT(remote_write_key(REMOTE_KEY, "alice", 0600), 0);
	EXPECT(open_code(REMOTE_URL), 0);
}

static int open_once(void *ctx)
{
	struct npmu_region *region;

	return npmu_region_open(ctx, 0, &region, &remote_err) == -EOPNOTSUPP ? 0 : 1;
}

static void open__after_a_fork_is_refused(void)
{
	EXPECT(vm_reap(vm_child(open_once, REMOTE_URL), 30000), 0);
	EXPECT(open_code(REMOTE_URL), 0);
}

static void host__goes_down(void)
{
	EXPECT(remote_down(), 0);
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "follow"))
		return follow(argv[2]);
	if (argc == 2 && !strcmp(argv[1], "write"))
		return write_on();
	VM_RUN(host__comes_up);
	VM_RUN(takeover__of_a_remote_primary_by_a_remote_backup);
	VM_RUN(takeover__of_a_remote_primary_by_a_local_backup);
	VM_RUN(takeover__of_a_local_primary_by_a_remote_backup);
	VM_RUN(follow__a_remote_primary_remotely);
	VM_RUN(follow__a_local_primary_remotely);
	VM_RUN(follow__a_remote_primary_locally);
	VM_RUN(death__is_seen_and_loses_nothing);
	VM_RUN(fence__by_the_administrator_is_stale);
	VM_RUN(role__is_one_writers);
	VM_RUN(overwrite_form__is_read_back);
	VM_RUN(open__says_what_is_wrong);
	VM_RUN(key_file__must_be_ones_own_and_a_key);
	VM_RUN(open__after_a_fork_is_refused);
	VM_RUN(host__goes_down);
	return vm_end();
}
