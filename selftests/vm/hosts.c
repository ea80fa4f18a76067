// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A unit, its primary and who watches it on three hosts, see hosts.sh; this is the one
 * that watches, 10.77.0.1. The unit is on 10.77.0.2, the primary (hosts_primary) on
 * 10.77.0.3. One after the other fails, and the wire.
 */
#define _GNU_SOURCE
#include <stdarg.h>

#include "hosts.h"

#define UNIT		"10.77.0.2"
#define SHARE		"/mnt/share"
#define BY_KEEPALIVE	2000
#define BY_NOTHING	600000

/* Runs a command on another host: its exit status. */
__attribute__((format(printf, 2, 3)))
static int on(int host, const char *fmt, ...)
{
	char command[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	return vm_sh("scripts/vm-run %d '%s' >/tmp/on 2>&1 || { sed 's/^/# /' /tmp/on; false; }",
		     host, command);
}

static int wire(const char *verb, int host)
{
	return vm_sh("scripts/vm-wire %s %d", verb, host);
}

static int keepalive(unsigned int ms)
{
	return on(2, "echo %u >/sys/module/npmu_rdma/parameters/keepalive_ms", ms);
}

/* A number that the primary noted; -1: none. */
static long long noted(const char *name)
{
	char path[64], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), SHARE "/%s", name);
	fd = open(path, O_RDONLY);
	if (fd >= 0) {
		if (read(fd, text, sizeof(text) - 1) < 0)
			text[0] = 0;
		close(fd);
	}
	return text[0] ? atoll(text) : -1;
}

/* Starts the primary, and waits until it commits. */
static int primary_starts(void)
{
	int status;

	unlink(SHARE "/committed");
	unlink(SHARE "/ended");
	status = on(3, "selftests/vm/build/hosts_primary " UNIT " alice " SHARE
		    " >" SHARE "/primary 2>&1 & echo $! >/run/primary");
	if (!status && !VM_UNTIL(noted("committed") > 0, 30000))
		status = vm_sh("sed 's/^/# /' " SHARE "/primary; false");
	return status;
}

/* Opens as bob, to watch: what changes from now on is said. */
static int watch(struct ni_open *o, struct npmu_wire_changed *now)
{
	struct npmu_wire_watch msg = { 0 };
	const void *answer;
	int code, i;

	code = ni_open(o, "bob", "u", "r", NI_RW);
	for (i = 0; !code && i < 2; i++) {
		code = npmu_rdma_ask(o->c, NPMU_WIRE_WATCH, &msg, sizeof(msg), &answer, NI_TIMEOUT);
		if (code)
			break;
		*now = *(const struct npmu_wire_changed *)answer;
		msg.kicks = now->kicks;
		msg.role = now->role;
	}
	return code;
}

/* Until the unit says that there is no writer: ms, or a negative errno. */
static long long told(struct ni_open *o, struct npmu_wire_changed *now, uint64_t since)
{
	int code = npmu_rdma_notice(o->c, now, (int)vm_patience(60000));

	if (code <= 0)
		return code ?: -ETIMEDOUT;
	if (now->writer)
		return -EBUSY;
	return (long long)((vm_now_ns() - since) / 1000000);
}

/* Everything that the primary saw committed is there and whole; at most one record more. */
static void check_committed(struct ni_open *o, uint64_t committed)
{
	uint64_t last, i;

	EXPECT(hosts_last(o, &last), 0);
	CHECK(last == committed || last == committed + 1, "%llu committed, %llu there",
	      (unsigned long long)committed, (unsigned long long)last);
	for (i = last; i && i + HOSTS_SLOTS - 1 > last; i--)
		CHECK(hosts_wrong(o, i) == -1, "record %llu is not whole", (unsigned long long)i);
}

static void hosts__come_up(void)
{
	EXPECT(vm_sh("selftests/vm/hosts_rxe"), 0);
	/* It serves when the unit is there. */
	REQUIRE(!on(2, "tools/build/npmu-admin ni list"), "no unit");
	ni_at(UNIT);
}

static void unit__is_written_and_read_over_the_wire(void)
{
	struct ni_open o;
	uint64_t i;

	EXPECT(ni_open(&o, "bob", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), 0);
	for (i = 1; i <= 40; i++)
		EXPECT(hosts_commit(&o, i), 0);
	check_committed(&o, 40);
	ni_close(&o);
}

/*
 * The primary is cut off, another takes over, the wire is healed: the primary writes
 * nothing any more, and learns that it was fenced.
 */
static void wire__healed_tells_the_fenced_primary(void)
{
	struct npmu_wire_changed now;
	struct ni_open o;
	long long ms, committed;
	uint64_t since, last, i;

	EXPECT(keepalive(BY_KEEPALIVE), 0);
	REQUIRE(!primary_starts(), "no primary");
	EXPECT(watch(&o, &now), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(wire("unplug", 3), 0);
	since = vm_now_ns();
	ms = told(&o, &now, since);
	CHECK(ms >= 0, "nobody is told: %lld", ms);
	printf("# wire cut: told after %lld ms, keepalive %d\n", ms, BY_KEEPALIVE);
	EXPECT(ni_takeover(&o, le64toh(now.fence_epoch)), 0);
	committed = noted("committed");
	check_committed(&o, (uint64_t)committed);
	EXPECT(hosts_last(&o, &last), 0);
	for (i = 1; i <= 40; i++)
		EXPECT(hosts_commit(&o, last + i), 0);
	EXPECT(wire("plug", 3), 0);
	CHECK(VM_UNTIL(noted("ended") != -1, 60000), "the primary does not learn of it");
	EXPECT(noted("ended"), SAYS(STALE));
	EXPECT(noted("committed"), committed);
	check_committed(&o, last + 40);
	ni_close(&o);
}

/* Long before the keepalive, which would take minutes here. */
static void process__killed_is_told_at_once(void)
{
	struct npmu_wire_changed now;
	struct ni_open o;
	uint64_t since;
	long long ms;

	EXPECT(keepalive(BY_NOTHING), 0);
	REQUIRE(!primary_starts(), "no primary");
	EXPECT(watch(&o, &now), 0);
	REQUIRE(o.mr, "no open");
	since = vm_now_ns();
	EXPECT(on(3, "kill -KILL $(cat /run/primary)"), 0);
	ms = told(&o, &now, since);
	CHECK(ms >= 0, "nobody is told: %lld", ms);
	printf("# process killed: told after %lld ms, the way to the kill included\n", ms);
	EXPECT(ni_takeover(&o, le64toh(now.fence_epoch)), 0);
	check_committed(&o, (uint64_t)noted("committed"));
	ni_close(&o);
	EXPECT(keepalive(BY_KEEPALIVE), 0);
}

static void host__cut_is_told_by_the_keepalive(void)
{
	struct npmu_wire_changed now;
	struct ni_open o;
	uint64_t since;
	long long ms;

	EXPECT(keepalive(BY_KEEPALIVE), 0);
	REQUIRE(!primary_starts(), "no primary");
	EXPECT(watch(&o, &now), 0);
	REQUIRE(o.mr, "no open");
	since = vm_now_ns();
	EXPECT(wire("cut", 3), 0);
	ms = told(&o, &now, since);
	CHECK(ms >= 0, "nobody is told: %lld", ms);
	printf("# host cut: told after %lld ms, keepalive %d\n", ms, BY_KEEPALIVE);
	EXPECT(ni_takeover(&o, le64toh(now.fence_epoch)), 0);
	check_committed(&o, (uint64_t)noted("committed"));
	ni_close(&o);
}

static int cut_unit(void *ctx)
{
	(void)ctx;
	return wire("cut", 2);
}

/* The first connects after a start may be refused, as they seem to be old ones. */
static int open_again(struct ni_open *o)
{
	return VM_UNTIL(!ni_open(o, "bob", "u", "r", NI_RW), 60000) ? 0 : -ETIMEDOUT;
}

static void unit__back_after_a_power_cut_has_what_was_committed(void)
{
	struct ni_open o;
	uint64_t i, epoch;
	pid_t child;

	EXPECT(ni_open(&o, "bob", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), 0);
	epoch = o.fence_epoch;
	EXPECT(hosts_last(&o, &i), 0);
	child = vm_child(cut_unit, NULL);
	while (!hosts_commit(&o, i + 1))
		i++;
	EXPECT(vm_reap(child, 60000), 0);
	ni_close(&o);
	EXPECT(wire("start", 2), 0);
	REQUIRE(!on(2, "tools/build/npmu-admin ni list"), "no unit after the cut");
	EXPECT(open_again(&o), 0);
	REQUIRE(o.mr, "no open after the cut");
	check_committed(&o, i);
	EXPECT(ni_claim(&o), 0);
	CHECK(o.fence_epoch > epoch, "the epoch of who wrote before is good again");
	EXPECT(hosts_last(&o, &i), 0);
	EXPECT(hosts_commit(&o, i + 1), 0);
	check_committed(&o, i + 1);
	ni_close(&o);
}

int main(void)
{
	VM_RUN(hosts__come_up);
	VM_RUN(unit__is_written_and_read_over_the_wire);
	VM_RUN(wire__healed_tells_the_fenced_primary);
	VM_RUN(process__killed_is_told_at_once);
	VM_RUN(host__cut_is_told_by_the_keepalive);
	VM_RUN(unit__back_after_a_power_cut_has_what_was_committed);
	return vm_end();
}
