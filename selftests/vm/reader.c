// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Named readers: who may be one, what is kept of it, who is told. What they read is
 * written by the test itself.
 */
#include <pthread.h>

#include "readers.h"

static void attach__makes_an_entry(void)
{
	struct npmu_ckpt_reader_entry *entry;
	uint64_t position = 640;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(attach(fd, "standby", NPMU_READER_F_CREATE, INSTANCE, &position), 0);
	CHECK(position == 640, "position %lu", position);
	entry = ckpt_reader(img.map, 0);
	CHECK(!strcmp((char *)entry->name, "standby"), "another name");
	CHECK(entry->instance == INSTANCE && !entry->uid && entry->position == 640,
	      "other values on the media");
	close(fd);
	/* Nobody is attached, and what was acknowledged is kept. */
	fd = reopen(O_RDONLY);
	EXPECT(ack(fd, 704), -ENOTCONN);
	position = 0;
	EXPECT(attach(fd, "standby", 0, INSTANCE, &position), 0);
	CHECK(position == 640, "position %lu", position);
	/* The same again changes nothing. */
	position = 64;
	EXPECT(attach(fd, "standby", NPMU_READER_F_CREATE, INSTANCE, &position), 0);
	CHECK(position == 640, "position %lu", position);
	EXPECT(ack(fd, 704), 0);
	close(fd);
	down();
}

static void attach__without_a_checkpoint_is_emediumtype(void)
{
	struct npmu_ckpt_header h;
	int fd;

	REQUIRE(!up_as(0, NPMU_CKPT_FORM_OVERWRITE), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(create(fd, "a"), -EMEDIUMTYPE);
	h = ckpt_header(NPMU_CKPT_FORM_APPEND, INSTANCE, 1);
	h.version = 2;
	ckpt_put_header(img.map, h);
	EXPECT(create(fd, "a"), -EMEDIUMTYPE);
	h = ckpt_header(NPMU_CKPT_FORM_APPEND, INSTANCE, 1);
	h.append.ring_size = SIZE;
	ckpt_put_header(img.map, h);
	EXPECT(create(fd, "a"), -EMEDIUMTYPE);
	memset(img.map, 0, 8192);
	EXPECT(create(fd, "a"), -EMEDIUMTYPE);
	EXPECT(detach(fd, "a"), -EMEDIUMTYPE);
	/* One good copy is enough. */
	ckpt_put_header(img.map, ckpt_header(NPMU_CKPT_FORM_APPEND, INSTANCE, 1));
	img.map[17] ^= 1;
	EXPECT(create(fd, "a"), 0);
	close(fd);
	EXPECT(vm_region("t", "small", 8192), 0);
	fd = vm_open("t", "small", O_RDONLY);
	EXPECT(create(fd, "a"), -EMEDIUMTYPE);
	close(fd);
	down();
}

static void attach__of_another_instance_is_estale(void)
{
	uint64_t position = 0;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(attach(fd, "a", NPMU_READER_F_CREATE, INSTANCE + 1, &position), -ESTALE);
	close(fd);
	down();
}

static void attach__checks_its_arguments(void)
{
	static const char *const names[] = { "", ".a", "a b", "a/b", "\xc3\xa4", "sixteen-letters!" };
	struct npmu_ioc_reader_attach arg = { .size = sizeof(arg), .instance = INSTANCE };
	uint64_t position = 1;
	unsigned int i;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		EXPECT(create(fd, names[i]), -EINVAL);
	memcpy(arg.name, "a\0b", 3);
	EXPECT(vm_ioctl(fd, NPMU_IOC_READER_ATTACH, &arg), -EINVAL);
	EXPECT(attach(fd, "a", NPMU_READER_F_CREATE, INSTANCE, &position), -EINVAL);
	position = 1ULL << 63;
	EXPECT(attach(fd, "a", NPMU_READER_F_CREATE, INSTANCE, &position), -EINVAL);
	memset(arg.name, 0, sizeof(arg.name));
	arg.name[0] = 'a';
	arg.reserved = 1;
	EXPECT(vm_ioctl(fd, NPMU_IOC_READER_ATTACH, &arg), -EOPNOTSUPP);
	EXPECT(again(fd, "a"), -ENOENT);
	close(fd);
	fd = reopen(O_WRONLY);
	EXPECT(create(fd, "a"), -EBADF);
	close(fd);
	down();
}

static void attach__one_open_one_entry(void)
{
	int one, other;

	REQUIRE(!up(), "%s", vm_why());
	one = reopen(O_RDONLY);
	other = reopen(O_RDONLY);
	EXPECT(create(one, "a"), 0);
	EXPECT(create(one, "b"), -EBUSY);
	EXPECT(create(other, "a"), -EBUSY);
	EXPECT(create(other, "b"), 1);
	EXPECT(again(other, "a"), -EBUSY);
	close(one);
	one = reopen(O_RDONLY);
	EXPECT(again(one, "a"), 0);
	close(one);
	close(other);
	down();
}

static void ack__only_moves_up(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(ack(fd, 0), -ENOTCONN);
	EXPECT(create(fd, "a"), 0);
	EXPECT(ack(fd, 128), 0);
	CHECK(ckpt_reader(img.map, 0)->position == 128, "not on the media");
	EXPECT(ack(fd, 128), 0);
	EXPECT(ack(fd, 64), -EINVAL);
	EXPECT(ack(fd, 129), -EINVAL);
	EXPECT(ack(fd, 1ULL << 63), -EINVAL);
	CHECK(ckpt_reader(img.map, 0)->position == 128, "a refusal moved it");
	EXPECT(ack(fd, (1ULL << 63) - 64), 0);
	close(fd);
	down();
}

static void ack__of_a_checkpoint_made_anew_is_estale(void)
{
	uint64_t position = 64;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(create(fd, "a"), 0);
	ckpt_put_header(img.map, ckpt_header(NPMU_CKPT_FORM_APPEND, INSTANCE + 1, 2));
	EXPECT(ack(fd, 64), -ESTALE);
	EXPECT(detach(fd, ""), -ESTALE);
	EXPECT(again(fd, "a"), -ESTALE);
	EXPECT(attach(fd, "a", 0, INSTANCE + 1, &position), -ENOENT);
	EXPECT(attach(fd, "b", NPMU_READER_F_CREATE, INSTANCE + 1, &position), 0);
	EXPECT(ack(fd, 128), 0);
	memset(img.map, 0, NPMU_CKPT_READERS);
	memset(img.map + NPMU_CKPT_HEADER1, 0, NPMU_CKPT_HEADER_SIZE);
	EXPECT(ack(fd, 192), -ESTALE);
	close(fd);
	down();
}

/* The writer may store anything into the table. */
static void ack__of_a_spoiled_entry_is_estale(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(create(fd, "a"), 0);
	ckpt_reader(img.map, 0)->name[0] = 'b';
	EXPECT(ack(fd, 64), -ESTALE);
	EXPECT(again(fd, "a"), -ENOENT);
	memset(ckpt_reader(img.map, 0), 0xff, 64 * 32);
	EXPECT(again(fd, "a"), -ENOENT);
	EXPECT(create(fd, "a"), 0);
	EXPECT(ack(fd, 64), 0);
	close(fd);
	down();
}

static void detach__frees_the_entry(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(detach(fd, ""), -ENOTCONN);
	EXPECT(detach(fd, "a"), -ENOENT);
	EXPECT(detach(fd, "a b"), -EINVAL);
	EXPECT(create(fd, "a"), 0);
	EXPECT(detach(fd, ""), 0);
	EXPECT(ack(fd, 64), -ENOTCONN);
	EXPECT(again(fd, "a"), -ENOENT);
	EXPECT(create(fd, "b"), 0);
	EXPECT(detach(fd, "b"), 0);
	EXPECT(detach(fd, ""), -ENOTCONN);
	close(fd);
	down();
}

static void detach__by_another_is_told(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(create(fd, "a"), 0);
	EXPECT(detach(writer, "a"), 0);
	EXPECT(ack(fd, 64), -ESTALE);
	EXPECT(detach(fd, ""), -ESTALE);
	EXPECT(again(fd, "a"), -ENOENT);
	EXPECT(create(fd, "c"), 0);
	close(fd);
	down();
}

static void region__read_only_is_erofs(void)
{
	struct npmu_region_params params = { .mask = NPMU_PARAM_FLAGS };
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(create(fd, "a"), 0);
	munmap(img.map, SIZE);
	close(writer);
	writer = -1;
	params.flags = NPMU_REGION_F_READ_ONLY;
	EXPECT(vm_note(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL)), 0);
	EXPECT(ack(fd, 64), -EROFS);
	EXPECT(detach(fd, ""), -EROFS);
	EXPECT(create(fd, "a"), -EROFS);
	params.flags = 0;
	EXPECT(vm_note(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL)), 0);
	EXPECT(ack(fd, 64), 0);
	close(fd);
	down();
}

static void region__deleted_is_estale(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(create(fd, "a"), 0);
	EXPECT(vm_delete("t", "r", true), 0);
	EXPECT(ack(fd, 64), -ESTALE);
	EXPECT(detach(fd, ""), -ESTALE);
	EXPECT(again(fd, "a"), -ESTALE);
	close(fd);
	down();
}

static void entry__stays_when_the_unit_is_attached_again(void)
{
	uint64_t position = 0;
	int fd;

	if (access(vm_pmem_path(), F_OK))
		SKIP("no %s", vm_pmem_path());
	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(create(fd, "a"), 0);
	EXPECT(ack(fd, 4096), 0);
	EXPECT(vm_persist(writer, 0, SIZE), 0);
	close(fd);
	munmap(img.map, SIZE);
	close(writer);
	writer = -1;
	EXPECT(vm_detach("t"), 0);
	EXPECT(vm_attach(NULL, "t"), 0);
	fd = reopen(O_RDONLY);
	EXPECT(attach(fd, "a", 0, INSTANCE, &position), 0);
	CHECK(position == 4096, "position %lu", position);
	close(fd);
	down();
}

static int attach_and_wait(void *ctx)
{
	int *pipes = ctx;
	int fd = reopen(O_RDONLY);

	if (create(fd, "a") || write(pipes[1], "x", 1) != 1)
		return 1;
	pause();
	return 0;
}

static void entry__stays_when_its_reader_is_killed(void)
{
	int pipes[2], fd;
	pid_t pid;
	char c;

	REQUIRE(!up() && !pipe(pipes), "%s", vm_why());
	pid = vm_child(attach_and_wait, pipes);
	CHECK(read(pipes[0], &c, 1) == 1, "the child did not attach");
	fd = reopen(O_RDONLY);
	EXPECT(again(fd, "a"), -EBUSY);
	kill(pid, SIGKILL);
	vm_reap(pid, 10000);
	EXPECT(again(fd, "a"), 0);
	close(fd);
	close(pipes[0]);
	close(pipes[1]);
	down();
}

/* An open whose writer was fenced is dead, and no reader. */
static void entry__of_a_dead_open_is_free(void)
{
	struct npmu_ioc_info info;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(create(writer, "a"), 0);
	EXPECT(vm_fence("t", "r"), 0);
	EXPECT(ack(writer, 64), -ESTALE);
	EXPECT(vm_info(writer, &info), 0);
	CHECK(info.dead, "not dead");
	fd = reopen(O_RDONLY);
	EXPECT(again(fd, "a"), 0);
	EXPECT(ack(fd, 64), 0);
	close(writer);
	/* It went without taking the reader's place along. */
	EXPECT(ack(fd, 128), 0);
	writer = -1;
	munmap(img.map, SIZE);
	close(fd);
	down();
}

static void fence__disturbs_no_reader(void)
{
	unsigned long i, rounds = vm_times(20, 500);
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(create(fd, "a"), 0);
	for (i = 1; i <= rounds; i++) {
		EXPECT(vm_fence("t", "r"), 0);
		EXPECT(ack(fd, i * 64), 0);
	}
	close(fd);
	down();
}

/* struct race - threads that want one name at once */
struct race {
	pthread_barrier_t barrier;
	int fd[4];
	int result[4];
};

static struct race race;

static void *contend(void *ctx)
{
	long i = (long)ctx;

	pthread_barrier_wait(&race.barrier);
	race.result[i] = create(race.fd[i], "a");
	return NULL;
}

static void attach__one_of_several_wins(void)
{
	unsigned long round, rounds = vm_times(50, 2000);
	pthread_t thread[4];
	long i;

	REQUIRE(!up(), "%s", vm_why());
	pthread_barrier_init(&race.barrier, NULL, 4);
	for (round = 0; round < rounds; round++) {
		int won = 0, busy = 0;

		for (i = 0; i < 4; i++) {
			race.fd[i] = reopen(O_RDONLY);
			pthread_create(&thread[i], NULL, contend, (void *)i);
		}
		for (i = 0; i < 4; i++) {
			pthread_join(thread[i], NULL);
			won += race.result[i] == 0;
			busy += race.result[i] == -EBUSY;
		}
		CHECK(won == 1 && busy == 3, "round %lu: %d won, %d were told EBUSY", round, won,
		      busy);
		for (i = 0; i < 4; i++)
			close(race.fd[i]);
		if (round % 2)
			EXPECT(detach(writer, "a"), 0);
	}
	pthread_barrier_destroy(&race.barrier);
	down();
}

static void *ack_soon(void *ctx)
{
	vm_sleep_ms(200);
	return (void *)(long)ack(*(int *)ctx, 64);
}

static void *detach_soon(void *ctx)
{
	vm_sleep_ms(200);
	return (void *)(long)detach(*(int *)ctx, "");
}

static void wake(void *(*what)(void *ctx), uint64_t offset)
{
	struct npmu_ioc_info info;
	uint64_t value;
	uint32_t events;
	pthread_t thread;
	void *result;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = reopen(O_RDONLY);
	EXPECT(create(fd, "a"), 0);
	memcpy(&value, img.map + offset, sizeof(value));
	/* From now on its role is no news. */
	EXPECT(vm_info(writer, &info), 0);
	pthread_create(&thread, NULL, what, &fd);
	EXPECT(vm_wait(writer, NPMU_WAIT_F_COMPARE, offset, value, 20000000000ULL, &events), 0);
	CHECK(events & NPMU_WAIT_CHANGED, "events %u", events);
	pthread_join(thread, &result);
	CHECK(!result, "%s", vm_strerror((long)result));
	close(fd);
	down();
}

static void ack__wakes_a_writer_that_waits(void)
{
	wake(ack_soon, NPMU_CKPT_READERS + offsetof(struct npmu_ckpt_reader_entry, position));
}

static void detach__wakes_a_writer_that_waits(void)
{
	wake(detach_soon, NPMU_CKPT_READERS);
}

int main(void)
{
	VM_RUN(attach__makes_an_entry);
	VM_RUN(attach__without_a_checkpoint_is_emediumtype);
	VM_RUN(attach__of_another_instance_is_estale);
	VM_RUN(attach__checks_its_arguments);
	VM_RUN(attach__one_open_one_entry);
	VM_RUN(attach__one_of_several_wins);
	VM_RUN(ack__only_moves_up);
	VM_RUN(ack__of_a_checkpoint_made_anew_is_estale);
	VM_RUN(ack__of_a_spoiled_entry_is_estale);
	VM_RUN(ack__wakes_a_writer_that_waits);
	VM_RUN(detach__frees_the_entry);
	VM_RUN(detach__by_another_is_told);
	VM_RUN(detach__wakes_a_writer_that_waits);
	VM_RUN(region__read_only_is_erofs);
	VM_RUN(region__deleted_is_estale);
	VM_RUN(entry__stays_when_the_unit_is_attached_again);
	VM_RUN(entry__stays_when_its_reader_is_killed);
	VM_RUN(entry__of_a_dead_open_is_free);
	VM_RUN(fence__disturbs_no_reader);
	return vm_end();
}
