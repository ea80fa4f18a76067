// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Named readers of several users: what each may, and how many of them there may be.
 */
#define _GNU_SOURCE
#include <grp.h>

#include "readers.h"

/* Runs in a child of another user. */
static int in_user(uint32_t uid, int (*fn)(void *ctx), void *ctx)
{
	pid_t pid = fork();

	if (!pid) {
		if (setgroups(0, NULL) || setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
			_exit(250);
		_exit(fn(ctx));
	}
	return vm_reap(pid, 60000);
}

/* struct trial - one call by another user, and what it must return */
struct trial {
	int (*call)(int fd, const char *name);
	const char *name;
	int flags;
	int want;
};

static int try_it(void *ctx)
{
	const struct trial *trial = ctx;
	int fd = reopen(trial->flags);
	int ret = trial->call(fd, trial->name);

	if (ret != trial->want)
		printf("# as %u, %s: %s, expected %s\n", getuid(), trial->name, vm_strerror(ret),
		       vm_strerror(trial->want));
	return ret != trial->want;
}

static int claim_and_detach(int fd, const char *name)
{
	return vm_claim(fd, NULL) ?: detach(fd, name);
}

static void rights__of_each_user(void)
{
	struct {
		uint32_t uid;
		struct trial trial;
	} trials[] = {
		{ 1000, { create, "a", O_RDONLY, 0 } },
		{ 1001, { create, "b", O_RDONLY, 1 } },
		{ 0, { create, "c", O_RDONLY, 2 } },
		{ 1001, { again, "a", O_RDONLY, -EACCES } },
		{ 0, { again, "a", O_RDONLY, -EACCES } },
		{ 1000, { again, "a", O_RDONLY, 0 } },
		{ 1001, { detach, "a", O_RDONLY, -EACCES } },
		{ 1001, { detach, "a", O_RDWR, -EACCES } },
		{ 1000, { detach, "c", O_RDONLY, -EACCES } },
		{ 1000, { detach, "a", O_RDONLY, 0 } },
		{ 1000, { create, "a", O_RDONLY, 0 } },
		{ 0, { detach, "a", O_RDONLY, 0 } },
		{ 1000, { create, "a", O_RDONLY, 0 } },
		/* The owner of the region. */
		{ VM_UID, { detach, "a", O_RDONLY, 0 } },
		{ 1000, { create, "a", O_RDONLY, 0 } },
		/* The live writer, whoever that is. */
		{ 1001, { claim_and_detach, "a", O_RDWR, 0 } },
	};
	unsigned int i;

	REQUIRE(!up_as(VM_UID, NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	munmap(img.map, SIZE);
	close(writer);
	writer = -1;
	for (i = 0; i < sizeof(trials) / sizeof(trials[0]); i++)
		CHECK(!in_user(trials[i].uid, try_it, &trials[i].trial), "trial %u", i);
	down();
}

/* struct crowd - so many readers of one user, and how the next one is refused */
struct crowd {
	int count;
	int first;
};

static int join(void *ctx)
{
	const struct crowd *crowd = ctx;
	char name[16];
	int i;

	for (i = 0; i < crowd->count; i++) {
		snprintf(name, sizeof(name), "u%u-%d", getuid(), i);
		if (create(reopen(O_RDONLY), name) < 0)
			return 1 + i;
	}
	return create(reopen(O_RDONLY), "one-more") == -ENOSPC ? 0 : 200;
}

static void share__of_a_user_and_of_all(void)
{
	struct crowd quarter = { .count = 8 };
	struct crowd none = { .count = 0 };
	struct crowd owner = { .count = 16 };
	int fd;

	REQUIRE(!up_as(VM_UID, NPMU_CKPT_FORM_APPEND), "%s", vm_why());
	EXPECT(in_user(1000, join, &quarter), 0);
	EXPECT(in_user(1001, join, &quarter), 0);
	/* Two quarters are the half that is for all common users. */
	EXPECT(in_user(1002, join, &none), 0);
	/* The owner takes what is left; then there is nothing for root either. */
	EXPECT(in_user(VM_UID, join, &owner), 0);
	fd = reopen(O_RDONLY);
	EXPECT(create(fd, "root"), -ENOSPC);
	/* One goes, one may come. */
	EXPECT(detach(fd, "u1000-3"), 0);
	EXPECT(create(fd, "root"), 3);
	close(fd);
	EXPECT(in_user(1000, join, &none), 0);
	down();
}

int main(void)
{
	VM_RUN(rights__of_each_user);
	VM_RUN(share__of_a_user_and_of_all);
	return vm_end();
}
