// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The library over a wire from a host with Debian 13 (10.77.0.1, this one) to a unit on an
 * NVDIMM of another (10.77.0.2): commits by RDMA FLUSH, and what they cost whom. See hosts.sh.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "hosts.h"
#include "remotehost.h"

#define UNIT	"10.77.0.2"
#define URL	"npmu://bob@" UNIT "/u/r"
#define UPDATES	100

/* WRITE, FLUSH: a packet each for what is this small. */
#define PACKETS	2

static uint64_t next_update;

struct writer {
	struct npmu_region *region;
	struct npmu_append_writer *append;
};

static struct writer begin(const char *persist, unsigned int flags)
{
	struct writer w = { 0 };

	if (persist)
		setenv("NPMU_PERSIST", persist, 1);
	else
		unsetenv("NPMU_PERSIST");
	w.region = remote_mapped(URL, NPMU_OPEN_WRITE);
	if (w.region)
		w.append = remote_writer(w.region, flags);
	return w;
}

static void end(struct writer *w)
{
	npmu_append_writer_close(w->append);
	npmu_region_close(w->region);
}

/* All updates so far are there; of the checkpoint that this program began. */
static void check_updates(void)
{
	struct npmu_region *region = remote_mapped(URL, NPMU_OPEN_READ);
	struct npmu_append_reader *reader;

	REQUIRE(region, "cannot be opened");
	REQUIRE(!npmu_append_reader_open(region, &reader, &remote_err), "no reader");
	EXPECT(remote_read_base(reader, 0, 0), 0);
	EXPECT(remote_read_updates(reader, 0), (int)next_update);
	npmu_append_reader_close(reader);
	npmu_region_close(region);
}

static long long first_number(const char *command)
{
	long long value = -1;
	FILE *f = popen(command, "r");
	char line[128];

	if (f && fgets(line, sizeof(line), f))
		value = atoll(line);
	if (f)
		pclose(f);
	return value;
}

/* A number of the only session that the unit's host shows. */
static long long session(const char *name)
{
	char line[160];

	snprintf(line, sizeof(line), "%s ni sessions --json' | %s's/.*\"%s\": *//p'",
		 "scripts/vm-run 2 'tools/build/npmu-admin", "tr ',{' '\\n' | sed -n ", name);
	return first_number(line);
}

static int keepalive(unsigned int ms)
{
	char line[128];

	snprintf(line, sizeof(line),
		 "scripts/vm-run 2 'echo %u >/sys/module/npmu_rdma/parameters/keepalive_ms'", ms);
	return vm_sh(line);
}

static long long packets(void)
{
	return first_number("cat /sys/class/infiniband/rxe0/ports/1/hw_counters/sent_pkts");
}

static void hosts__come_up(void)
{
	EXPECT(vm_sh("grep -q '^13' /etc/debian_version"), 0);
	EXPECT(vm_sh("selftests/vm/hosts_rxe"), 0);
	REQUIRE(!vm_sh("scripts/vm-run 2 'tools/build/npmu-admin ni list' >/dev/null"), "no unit");
	EXPECT(remote_write_key(REMOTE_KEY, "bob", 0600), 0);
	setenv("NPMU_KEY_FILE", REMOTE_KEY, 1);
}

static void flush__is_chosen_and_reported(void)
{
	struct writer w = begin(NULL, NPMU_APPEND_INIT);

	REQUIRE(w.append, "no writer");
	EXPECT(npmu_region_persist_method(w.region), NPMU_PERSIST_FLUSH);
	CHECK(!strcmp(npmu_persist_method_name(NPMU_PERSIST_FLUSH), "flush"), "its name");
	EXPECT(remote_base(w.append, 0, 0), 0);
	end(&w);
}

static void flush__commits_without_the_unit(void)
{
	long long requests, handlers, sent;
	struct writer w;
	int i;

	/* The unit asks nobody whether he lives still. */
	EXPECT(keepalive(600000), 0);
	w = begin("flush", 0);
	REQUIRE(w.append, "no writer");
	/* Whoever opened the region wished to hear of the next commit. */
	EXPECT(remote_update(w.append, next_update++, 100), 0);
	requests = session("requests");
	handlers = session("completions");
	CHECK(requests > 0 && handlers > 0, "no session");
	sent = packets();
	for (i = 0; i < UPDATES; i++)
		EXPECT(remote_update(w.append, next_update++, 100), 0);
	sent = packets() - sent;
	EXPECT(session("requests"), requests);
	EXPECT(session("completions"), handlers);
	EXPECT(keepalive(2000), 0);
	/* One that is sent again counts again. */
	CHECK(sent >= PACKETS * UPDATES, "%lld packets of %d commits: is there a FLUSH in each?",
	      sent, UPDATES);
	end(&w);
	check_updates();
}

/* The unit is asked nothing, and yet a reader that sleeps is woken. */
static void flush__wakes_who_waits(void)
{
	struct writer w = begin("flush", 0);
	struct npmu_region *region = remote_mapped(URL, NPMU_OPEN_READ);
	uint32_t events = 0;

	REQUIRE(w.append && region, "no writer, or no reader");
	EXPECT(remote_update(w.append, next_update++, 100), 0);
	/* What there was until now, and the wish to hear of more, which wakes once. */
	CHECK(VM_UNTIL(!npmu_region_wait(region, NPMU_WAIT_F_ARM, 0, 0, 0, &events) &&
		       !(events & NPMU_WAIT_KICKED) && (usleep(300000), true) &&
		       !npmu_region_wait(region, NPMU_WAIT_F_ARM, 0, 0, 0, &events) &&
		       !(events & NPMU_WAIT_KICKED), 20000), "woken by nothing, again and again");
	EXPECT(remote_update(w.append, next_update++, 100), 0);
	EXPECT(npmu_region_wait(region, 0, 0, 0, 10000000000ULL, &events), 0);
	CHECK(events & NPMU_WAIT_KICKED, "events %x", events);
	npmu_region_close(region);
	end(&w);
}

struct follower {
	struct npmu_append_reader *reader;
	_Atomic uint64_t seen;		/* updates */
	_Atomic bool stop;
};

static void *follow(void *arg)
{
	struct follower *f = arg;
	struct npmu_append_item item;

	while (!f->stop) {
		while (!npmu_append_next(f->reader, &item))
			f->seen++;
		npmu_append_wait(f->reader, 20000000000ULL);
	}
	return NULL;
}

/* A commit while the reader falls asleep, and the notice that it does is on its way. */
static void flush__wakes_who_falls_asleep(void)
{
	struct writer w = begin("flush", 0);
	struct npmu_region *region = remote_mapped(URL, NPMU_OPEN_READ);
	struct follower f = { 0 };
	pthread_t thread;
	uint64_t i, late = 0;

	REQUIRE(w.append && region, "no writer, or no reader");
	EXPECT(remote_base(w.append, 0, 0), 0);
	REQUIRE(!npmu_append_reader_open(region, &f.reader, &remote_err) &&
		!remote_read_base(f.reader, 0, 0), "no reader");
	next_update = 0;
	REQUIRE(!pthread_create(&thread, NULL, follow, &f), "no thread");
	for (i = 0; i < vm_times(300, 10000) && !late; i++) {
		usleep((useconds_t)(random() % 4000));
		EXPECT(remote_update(w.append, next_update++, 100), 0);
		late += !VM_UNTIL(f.seen > i, 10000);
	}
	CHECK(!late, "update %llu was not seen for 10 s", (unsigned long long)i);
	f.stop = true;
	EXPECT(remote_update(w.append, next_update++, 100), 0);
	pthread_join(thread, NULL);
	npmu_append_reader_close(f.reader);
	npmu_region_close(region);
	end(&w);
	check_updates();
}

/* More than one chain takes, and the pieces of a state. */
static void flush__of_a_state_of_many_pieces(void)
{
	struct writer w = begin("flush", 0);
	char *state = malloc(256 * 1024);
	struct iovec iov = { state, 256 * 1024 };
	struct npmu_append_reader *reader;
	struct npmu_append_item base;
	int i;

	REQUIRE(w.append && state, "no writer");
	vm_fill(state, iov.iov_len, 0, 77);
	EXPECT(npmu_append_base(w.append, &iov, 1, 7), 0);
	for (i = 0; i < 40; i++)
		EXPECT(npmu_append_add(w.append, &iov, 1, 0), i < 3 ? 0 : -ENOSPC);
	EXPECT(npmu_append_commit(w.append), 0);
	REQUIRE(!npmu_append_reader_open(w.region, &reader, &remote_err), "no reader");
	EXPECT(npmu_append_read_base(reader, &base), 0);
	CHECK(base.length == iov.iov_len && !memcmp(base.data, state, iov.iov_len), "another base");
	npmu_append_reader_close(reader);
	/* The following tests count from here. */
	EXPECT(remote_base(w.append, 0, 0), 0);
	next_update = 0;
	end(&w);
	free(state);
}

static void message__can_be_asked_for(void)
{
	struct writer w = begin("message", 0);
	long long before;

	REQUIRE(w.append, "no writer");
	EXPECT(npmu_region_persist_method(w.region), NPMU_PERSIST_MESSAGE);
	before = session("requests");
	EXPECT(remote_update(w.append, next_update++, 100), 0);
	EXPECT(session("requests"), before + 1);
	end(&w);
	check_updates();
}

static void method__unknown_is_refused(void)
{
	struct npmu_region *region;

	setenv("NPMU_PERSIST", "hope", 1);
	EXPECT(npmu_region_open(URL, NPMU_OPEN_WRITE, &region, &remote_err), -EINVAL);
	CHECK(strstr(remote_err.text, "hope"), "%s", remote_err.text);
}

/* And the writer goes on, with no commit lost or there twice. */
static void flush__survives_a_power_cut_of_the_unit(void)
{
	struct writer w = begin("flush", 0);
	struct npmu_region *waits = remote_mapped(URL, NPMU_OPEN_READ);
	uint64_t found = 1;
	uint32_t events;
	int code;

	REQUIRE(w.append && waits, "no writer, or no reader");
	EXPECT(npmu_region_wait(waits, NPMU_WAIT_F_ARM, 0, 0, 0, &events), 0);
	EXPECT(remote_update(w.append, next_update++, 100), 0);
	EXPECT(vm_sh("scripts/vm-wire cut 2"), 0);
	/* Who only waits learns of it, too; it may be stirred once before. */
	while (!(code = npmu_region_wait(waits, 0, 0, 0, 120000000000ULL, &events)) &&
	       events & NPMU_WAIT_KICKED)
		;
	EXPECT(code, -ENOTCONN);
	npmu_region_close(waits);
	/* Whatever is asked now, it ends. */
	EXPECT(remote_update(w.append, next_update, 100), -ENOTCONN);
	EXPECT(vm_sh("scripts/vm-wire start 2"), 0);
	REQUIRE(!vm_sh("scripts/vm-run 2 'tools/build/npmu-admin ni list' >/dev/null"),
		"no unit after the cut");
	CHECK(VM_UNTIL(!npmu_append_writer_reconnect(w.append, &found, &remote_err), 60000),
	      "not connected again: %s", remote_err.text);
	EXPECT(found, 0);
	EXPECT(npmu_region_persist_method(w.region), NPMU_PERSIST_FLUSH);
	EXPECT(remote_update(w.append, next_update++, 100), 0);
	end(&w);
	check_updates();
}

int main(void)
{
	VM_RUN(hosts__come_up);
	VM_RUN(flush__is_chosen_and_reported);
	VM_RUN(flush__commits_without_the_unit);
	VM_RUN(flush__wakes_who_waits);
	VM_RUN(flush__wakes_who_falls_asleep);
	VM_RUN(flush__of_a_state_of_many_pieces);
	VM_RUN(message__can_be_asked_for);
	VM_RUN(method__unknown_is_refused);
	VM_RUN(flush__survives_a_power_cut_of_the_unit);
	return vm_end();
}
