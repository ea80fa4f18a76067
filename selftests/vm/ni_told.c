// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the network interface tells of itself: events of sessions and why they ended,
 * counters of what was refused, tracepoints, and a client that vanished.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <poll.h>
#include <sys/mount.h>
#include <time.h>

#include <npmu/grants.h>

#include "nihost.h"

#define SIZE	(4 * MIB)
#define KEEPALIVE	"/sys/module/npmu_rdma/parameters/keepalive_ms"
#define OPEN_MS		"/sys/module/npmu_rdma/parameters/open_ms"
#define TRACING	"/sys/kernel/tracing"

static struct npmu_ni_events *events;

/* The next event, of which @what and @end are expected. */
static void expect_event(uint32_t what, uint32_t end, const char *principal)
{
	struct npmu_session_event e = { 0 };
	struct pollfd pfd = { .fd = npmu_ni_events_fd(events), .events = POLLIN };

	if (!CHECK(poll(&pfd, 1, NI_TIMEOUT) == 1, "no event %u", what))
		return;
	EXPECT(npmu_ni_events_next(events, &e), 0);
	CHECK(e.event == what && e.end == end && !strcmp(e.principal, principal),
	      "event %u, end %u of '%s', not %u, %u of '%s'", e.event, e.end, e.principal, what,
	      end, principal);
}

static void opened(const char *principal)
{
	expect_event(NPMU_NI_SESSION_EVENT_BEGUN, 0, principal);
	expect_event(NPMU_NI_SESSION_EVENT_OPENED, 0, principal);
}

static void ended(uint32_t end)
{
	expect_event(NPMU_NI_SESSION_EVENT_ENDED, end, "alice");
}

static int take_listener(void *ctx, const struct npmu_listener_info *info)
{
	memcpy(ctx, info, sizeof(*info));
	return 0;
}

static struct npmu_listener_info listener(void)
{
	struct npmu_listener_info info = { 0 };

	EXPECT(npmu_ni_listener_list(ni_ctl(), take_listener, &info), 0);
	return info;
}

static void host__without_keys_says_so(void)
{
	struct npmu_error err;

	REQUIRE(!ni_up(), "no network interface");
	CHECK(listener().no_keys, "keys, where none was loaded");
	EXPECT(ni_load_key("alice"), 0);
	CHECK(!listener().no_keys, "no keys");
	REQUIRE(!npmu_ni_events_open(&events, &err), "%s", err.text);
	REQUIRE(!vm_dram("u", 64 * MIB), "%s", vm_why());
	EXPECT(vm_region("u", "r", SIZE), 0);
	EXPECT(ni_grant("r", "alice", NI_RW, 0, 0), 0);
}

static void session__is_told_from_begin_to_end(void)
{
	struct ni_open o;

	EXPECT(ni_open(&o, "alice", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	opened("alice");
	ni_close(&o);
	ended(NPMU_NI_SESSION_END_CLIENT);
}

/* Refused for what is there, once it was found: nobody was fenced, and it can ask for less. */
static void open__of_too_low_a_class_ends_nothing(void)
{
	struct npmu_wire_open msg = {
		.unit = "u",
		.region = "r",
		.access = htole32(NI_RW),
		.persistence_class = htole32(NPMU_CLASS_PERSISTENT),
	};
	struct ni_open o = { 0 };
	int i;

	REQUIRE(!ni_connect("alice", &o.c), "no connection");
	for (i = 0; i < 20; i++)
		EXPECT(npmu_rdma_ask(o.c, NPMU_WIRE_OPEN, &msg, sizeof(msg), NULL, NI_TIMEOUT),
		       SAYS(CLASS));
	EXPECT(ni_ask_open(&o, "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	opened("alice");
	EXPECT(ni_claim(&o), 0);
	EXPECT(ni_write(&o, 0, 0, 4096), 0);
	ni_close(&o);
	ended(NPMU_NI_SESSION_END_CLIENT);
}

static void fence__is_why_it_ended(void)
{
	struct npmu_region_info info;
	struct ni_open o;
	uint64_t before;

	EXPECT(vm_get("u", "r", &info), 0);
	before = info.fences;
	EXPECT(ni_open(&o, "alice", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	opened("alice");
	EXPECT(ni_claim(&o), 0);
	EXPECT(vm_fence("u", "r"), 0);
	ended(NPMU_NI_SESSION_END_FENCED);
	ni_close(&o);
	EXPECT(vm_get("u", "r", &info), 0);
	CHECK(info.fences == before + 1, "%llu fences", (unsigned long long)info.fences);
}

/* The device refuses; the unit learns of it and counts it, for listener and region. */
static void violation__is_told_and_counted(void)
{
	uint64_t violations = listener().violations;
	struct npmu_region_info before, after;
	struct ni_open o;

	EXPECT(ni_open(&o, "alice", "u", "r", NPMU_WIRE_READ), 0);
	REQUIRE(o.mr, "no open");
	opened("alice");
	EXPECT(vm_get("u", "r", &before), 0);
	CHECK(ni_write(&o, 0, 0, 64), "a key for reading writes");
	ended(NPMU_NI_SESSION_END_VIOLATION);
	ni_close(&o);
	CHECK(listener().violations == violations + 1, "%llu violations",
	      (unsigned long long)listener().violations);
	/* The end is told before all of it is done. */
	do
		EXPECT(vm_get("u", "r", &after), 0);
	while (after.denied == before.denied && after.opens && !usleep(1000));
	CHECK(after.denied == before.denied + 1, "%llu denied, not %llu",
	      (unsigned long long)after.denied, (unsigned long long)before.denied + 1);
}

static void proof__wrong_is_told_and_counted(void)
{
	uint64_t unproved = listener().unproved, denied = listener().denied;
	struct npmu_wire_auth_begin begin = { .principal = "alice" };
	struct npmu_wire_auth_prove prove = { .proof = { 1 } };
	struct npmu_error err;
	struct rdma_conn *c;

	EXPECT(npmu_rdma_connect(NI_ADDRESS, NULL, NI_TIMEOUT, &c, &err), 0);
	EXPECT(npmu_rdma_ask(c, NPMU_WIRE_AUTH_BEGIN, &begin, sizeof(begin), NULL, NI_TIMEOUT), 0);
	EXPECT(npmu_rdma_ask(c, NPMU_WIRE_AUTH_PROVE, &prove, sizeof(prove), NULL, NI_TIMEOUT),
	       SAYS(AUTH));
	expect_event(NPMU_NI_SESSION_EVENT_REFUSED, 0, "");
	CHECK(listener().denied == denied + 1, "not counted as denied");
	npmu_rdma_disconnect(c);
	while (listener().unproved == unproved && !usleep(1000))
		;
	CHECK(listener().unproved == unproved + 1, "not counted");
}

static void message__that_is_none_is_told_and_counted(void)
{
	uint64_t malformed = listener().malformed;
	struct npmu_wire_open junk = { 0 };
	struct rdma_conn *c;

	EXPECT(ni_connect("alice", &c), 0);
	expect_event(NPMU_NI_SESSION_EVENT_BEGUN, 0, "alice");
	CHECK(npmu_rdma_ask(c, NPMU_WIRE_OPEN, &junk, sizeof(junk), NULL, NI_TIMEOUT), "answered");
	ended(NPMU_NI_SESSION_END_MALFORMED);
	npmu_rdma_disconnect(c);
	CHECK(listener().malformed == malformed + 1, "not counted");
}

static void region__counts_what_is_done_to_it(void)
{
	struct npmu_region_info before, after;
	struct ni_open o;

	EXPECT(vm_get("u", "r", &before), 0);
	EXPECT(ni_open(&o, "alice", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), 0);
	EXPECT(ni_commit(&o, 0, 64, 0, 1), 0);
	EXPECT(ni_commit(&o, SIZE, 64, 0, 1), SAYS(RANGE));
	EXPECT(ni_takeover(&o, o.fence_epoch + 7), SAYS(STALE));
	EXPECT(vm_get("u", "r", &after), 0);
	CHECK(after.opens_total == before.opens_total + 1, "opens");
	CHECK(after.commits == before.commits + 1, "commits");
	CHECK(after.persists == before.persists + 1, "persists");
	CHECK(after.denied == before.denied + 2, "%llu denied",
	      (unsigned long long)(after.denied - before.denied));
	opened("alice");
	ni_close(&o);
	ended(NPMU_NI_SESSION_END_CLIENT);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/*
 * A queue pair that was reset takes nothing any more and says nothing: so does one whose
 * host is gone. The device itself would notice after 11 s at the earliest.
 */
static void client__that_vanished_is_noticed(void)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_RESET };
	struct npmu_ioc_info info = { .size = sizeof(info) };
	struct pollfd pfd = { .events = POLLPRI };
	uint64_t vanished = listener().vanished, began;
	struct ni_open o;

	/* The default. */
	REQUIRE(!vm_sh("echo 2000 >" KEEPALIVE), "no parameter");
	EXPECT(ni_open(&o, "alice", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	opened("alice");
	EXPECT(ni_claim(&o), 0);
	pfd.fd = vm_open("u", "r", O_RDONLY);
	EXPECT(ioctl(pfd.fd, NPMU_IOC_INFO, &info), 0);
	CHECK(info.writer_id, "no writer");
	EXPECT(ibv_modify_qp(o.c->id->qp, &attr, IBV_QP_STATE), 0);
	began = now_ms();
	EXPECT(poll(&pfd, 1, NI_TIMEOUT), 1);
	printf("# noticed after %llu ms\n", (unsigned long long)(now_ms() - began));
	CHECK(now_ms() - began < vm_patience(6000), "noticed after %llu ms",
	      (unsigned long long)(now_ms() - began));
	EXPECT(ioctl(pfd.fd, NPMU_IOC_INFO, &info), 0);
	CHECK(!info.writer_id, "the writer is there still");
	ended(NPMU_NI_SESSION_END_VANISHED);
	CHECK(listener().vanished == vanished + 1, "not counted");
	close(pfd.fd);
	ni_close(&o);
}

/* A client that is there but idle is not taken for gone. */
static void client__that_is_idle_stays(void)
{
	struct ni_open o;

	REQUIRE(!vm_sh("echo %u >" KEEPALIVE, 6000 * vm_slow()), "no parameter");
	EXPECT(ni_open(&o, "alice", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	opened("alice");
	sleep(8);
	EXPECT(ni_read(&o, 0, 0, 64), 0);
	ni_close(&o);
	ended(NPMU_NI_SESSION_END_CLIENT);
}

/* Whoever opens nothing takes the place of others, whatever it asks for besides. */
static void client__that_opens_nothing_is_let_go(void)
{
	struct npmu_wire_header header;
	struct rdma_conn *c;
	struct ni_open o;
	int i, code = 0;

	EXPECT(ni_open(&o, "alice", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	opened("alice");
	REQUIRE(!vm_sh("echo 2000 >" KEEPALIVE " && echo 300 >" OPEN_MS), "no parameter");
	code = ni_connect("alice", &c);
	if (code)
		vm_sh("echo 30000 >" OPEN_MS);
	REQUIRE(!code, "no connection");
	expect_event(NPMU_NI_SESSION_EVENT_BEGUN, 0, "alice");
	for (i = 0; i < 30 && code != -ENOTCONN; i++) {
		sleep(1);
		memset(&header, 0, sizeof(header));
		code = npmu_rdma_ask(c, NPMU_WIRE_CLAIM, &header, sizeof(header), NULL, NI_TIMEOUT);
	}
	CHECK(!vm_sh("echo 30000 >" OPEN_MS), "no parameter");
	REQUIRE(code == -ENOTCONN, "%d after %d s: it is there still", code, i);
	ended(NPMU_NI_SESSION_END_IDLE);
	npmu_rdma_disconnect(c);
	/* Whoever has something open stays. */
	EXPECT(ni_read(&o, 0, 0, 64), 0);
	ni_close(&o);
	ended(NPMU_NI_SESSION_END_CLIENT);
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

static char *trace(void)
{
	char *text = calloc(1, MIB);
	int fd = open(TRACING "/trace", O_RDONLY);
	size_t len = 0;
	ssize_t n;

	while (fd >= 0 && len < MIB - 1 && (n = read(fd, text + len, MIB - 1 - len)) > 0)
		len += (size_t)n;
	close(fd);
	return text;
}

static void trace__has_every_change(void)
{
	static const char *const wanted[] = {
		/* npmu.ko */
		"npmu_event: region-created unit=u region=t ",
		"npmu_event: grant-added unit=u region=t ",
		"npmu_tpt_open: unit=u ",
		"npmu_role: claim unit=u ",
		"npmu_event: writer-claimed unit=u region=t ",
		"npmu_role: takeover unit=u ",
		"npmu_event: writer-fenced unit=u region=t ",
		"npmu_tpt_kill: unit=u ",
		"npmu_tpt_drained: unit=u ",
		"npmu_tpt_close: unit=u ",
		"npmu_tpt_denied: unit=u ",
		"npmu_event: grant-removed unit=u region=t ",
		"npmu_event: region-deleted unit=u region=t ",
		/* npmu_rdma.ko */
		"npmu_rdma_key: loaded principal=trudy",
		"npmu_rdma_key: removed principal=trudy",
		"npmu_rdma_listener: added address=127.0.0.1:7777",
		"npmu_rdma_listener: removed address=127.0.0.1:7777",
		" new -> challenged end=none",
		" challenged -> known end=none",
		" known -> open end=none",
		" open -> closing end=fenced",
		" open -> closing end=client",
		" auth-prove status=0",
		" open status=0",
		" open status=4",
		" claim status=0",
		" takeover status=0",
		" commit status=0",
		" commit status=9",
		"npmu_rdma_keys_made: ",
		"npmu_rdma_keys_dropped: ",
		" for good",
	};
	struct ni_open a, b;
	char *text;
	size_t i;

	mount("none", TRACING, "tracefs", 0, NULL);
	if (access(TRACING "/events/npmu/enable", W_OK))
		SKIP("this kernel has no tracepoints");
	EXPECT(put(TRACING "/trace", "\n"), true);
	/* The names of commands are not wanted: for them each switch of tasks would be traced, too. */
	EXPECT(put(TRACING "/options/record-cmd", "0"), true);
	REQUIRE(put(TRACING "/events/npmu/enable", "1") &&
		put(TRACING "/events/npmu_rdma/enable", "1"), "no events");

	EXPECT(vm_region("u", "t", SIZE), 0);
	EXPECT(ni_open(&a, "alice", "u", "t", NI_RW), SAYS(NOT_FOUND));
	EXPECT(ni_grant("t", "alice", NI_RW, 0, 0), 0);
	EXPECT(ni_load_key("trudy"), 0);
	EXPECT(npmu_ni_key_remove(ni_ctl(), "trudy"), 0);
	EXPECT(npmu_ni_listen(ni_ctl(), "127.0.0.1", 7777), 0);
	EXPECT(npmu_ni_unlisten(ni_ctl(), "127.0.0.1", 7777), 0);
	EXPECT(ni_open(&a, "alice", "u", "t", NI_RW), 0);
	EXPECT(ni_open(&b, "alice", "u", "t", NI_RW), 0);
	REQUIRE(a.mr && b.mr, "no open");
	EXPECT(ni_claim(&a), 0);
	EXPECT(ni_commit(&a, 0, 64, 0, 1), 0);
	EXPECT(ni_commit(&a, SIZE, 64, 0, 1), SAYS(RANGE));
	EXPECT(ni_takeover(&b, a.fence_epoch), 0);
	ni_close(&a);
	ni_close(&b);
	EXPECT(npmu_ctl_grant_remove(vm_ctl(), "u", "t", "alice"), 0);
	/* What is deleted is closed by then. */
	for (i = 0; vm_delete("u", "t", false) == -EBUSY && i < 10000; i++)
		usleep(1000);

	put(TRACING "/events/npmu/enable", "0");
	put(TRACING "/events/npmu_rdma/enable", "0");
	text = trace();
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		CHECK(strstr(text, wanted[i]), "no '%s'", wanted[i]);
	CHECK(!strstr(text, "5a5a5a5a"), "a key is shown");
	free(text);
}

static void module__that_goes_is_why_it_ended(void)
{
	struct pollfd pfd = { .fd = npmu_ni_events_fd(events), .events = POLLIN };
	struct npmu_session_event e;
	struct ni_open o;

	/* What the tests before left. */
	ni_settle();
	while (poll(&pfd, 1, 0) == 1 && !npmu_ni_events_next(events, &e))
		;
	EXPECT(ni_open(&o, "alice", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	opened("alice");
	EXPECT(ni_down(), 0);
	ended(NPMU_NI_SESSION_END_UNLISTENED);
	ni_close(&o);
}

static void host__goes_down(void)
{
	npmu_ni_events_close(events);
	EXPECT(vm_drop("u"), 0);
}

int main(void)
{
	VM_RUN(host__without_keys_says_so);
	VM_RUN(session__is_told_from_begin_to_end);
	VM_RUN(open__of_too_low_a_class_ends_nothing);
	VM_RUN(fence__is_why_it_ended);
	VM_RUN(violation__is_told_and_counted);
	VM_RUN(proof__wrong_is_told_and_counted);
	VM_RUN(message__that_is_none_is_told_and_counted);
	VM_RUN(region__counts_what_is_done_to_it);
	VM_RUN(client__that_vanished_is_noticed);
	VM_RUN(client__that_is_idle_stays);
	VM_RUN(client__that_opens_nothing_is_let_go);
	VM_RUN(trace__has_every_change);
	VM_RUN(module__that_goes_is_why_it_ended);
	VM_RUN(host__goes_down);
	return vm_end();
}
