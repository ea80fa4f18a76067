// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Failure at every allocation: the injection, and the sweep with what it asks of each
 * run (nth.h). Must not know any one operation.
 */
#define _GNU_SOURCE
#include <stdarg.h>

#include "nth.h"

#define DEBUGFS	"/sys/kernel/debug"
/* No operation comes near; a sweep that does has lost its way. */
#define MOST	3000
/* Runs of a sweep that costs little. */
#define SHORT	20

unsigned int nth_now;
bool nth_hit;
unsigned int nth_free_refusals;

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = write(fd, text, strlen(text));
	close(fd);
	return n == (ssize_t)strlen(text) ? 0 : -EIO;
}

static int fail_nth_fd(void)
{
	static pid_t owner;
	static int fd = -1;

	if (owner != getpid()) {
		owner = getpid();
		fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	}
	return fd;
}

/*
 * The C library has the kernel note in its memory when a thread was interrupted. If that
 * cannot be written, since a page after a fork has no memory, the thread gets a SIGSEGV.
 */
static void without_rseq(void)
{
	static char *const argv[] = { "nth", NULL };

	if (getenv("GLIBC_TUNABLES"))
		return;
	setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1);
	execv("/proc/self/exe", argv);
}

/* Every kind of allocation may fail, also those that may wait; and no word of it. */
static int init(void)
{
	static const char *const kinds[] = { "failslab", "fail_page_alloc", "fail_usercopy" };
	char path[128];
	unsigned int i;
	int ret = 0;

	without_rseq();
	if (access(DEBUGFS "/failslab", F_OK))
		vm_sh("mount -t debugfs none " DEBUGFS " 2>/dev/null");
	for (i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), DEBUGFS "/%s/verbose", kinds[i]);
		ret = ret ?: put(path, getenv("NPMU_NTH_VERBOSE") ?: "0");
	}
	ret = ret ?: put(DEBUGFS "/failslab/ignore-gfp-wait", "N");
	ret = ret ?: put(DEBUGFS "/fail_page_alloc/ignore-gfp-wait", "N");
	ret = ret ?: put(DEBUGFS "/fail_page_alloc/ignore-gfp-highmem", "N");
	ret = ret ?: put(DEBUGFS "/fail_page_alloc/min-order", "0");
	return ret ?: fail_nth_fd() < 0 ? -errno : 0;
}

int nth_begin(int (*up)(void))
{
	int ret = init();

	if (ret) {
		printf("ok 1 - nth # SKIP this kernel does not inject failures (%s)\n1..1\n",
		       vm_strerror(ret));
		return 4;
	}
	ret = up();
	if (ret) {
		printf("Bail out! %s: %s\n", vm_strerror(ret), vm_why());
		return 1;
	}
	return 0;
}

int nth_comb(void)
{
	unsigned int i;
	int ret;

	ret = vm_pmem(NULL, NTH_UNIT, 8) ?: vm_region(NTH_UNIT, "a", 4096) ?:
	      vm_region(NTH_UNIT, "b", 4096);
	for (i = 2; i <= NTH_COMB && !ret; i++)
		ret = vm_resize(NTH_UNIT, "a", i * 4096, false) ?:
		      vm_resize(NTH_UNIT, "b", i * 4096, false);
	nth_path = vm_pmem_path();
	return ret;
}

void nth_arm(void)
{
	int fd = fail_nth_fd();
	char text[16];
	int len;

	nth_hit = false;
	if (!nth_now)
		return;
	len = snprintf(text, sizeof(text), "%u", nth_now);
	if (pwrite(fd, text, len, 0) != len)
		abort();
}

bool nth_has_hit(int fd)
{
	char text[16] = "";
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	/* Not hit before: it was this read that failed. */
	return n > 0 && !atoi(text);
}

void nth_disarm(void)
{
	int saved = errno;
	int fd = fail_nth_fd();

	if (!nth_now)
		return;
	nth_hit = nth_has_hit(fd);
	/* This may be what fails, too. */
	if (pwrite(fd, "0", 1, 0) != 1 && pwrite(fd, "0", 1, 0) != 1)
		abort();
	errno = saved;
}

/* Complaints of the present sweep; the first are shown. */
static unsigned int wrong;

__attribute__((format(printf, 2, 3)))
static bool ok(bool cond, const char *fmt, ...)
{
	va_list ap;

	if (cond || wrong++ >= TAP_SHOWN)
		return cond;
	printf("# ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	return cond;
}

struct tally {
	unsigned int injected;
	unsigned int refused;
	unsigned int memory;	/* of these, for want of it */
	unsigned int done;
	unsigned int unknown;
};

static bool is_for_memory(int ret)
{
	return ret == -ENOMEM || ret == -ENOBUFS;
}

/* More refusals of what never fails than netlink itself accounts for. */
static bool is_too_much(const struct nth_op *op, int ret, const struct tally *tally)
{
	unsigned int room = op->flags & NTH_ANSWERS ? 2 : 0;

	return op->flags & NTH_NEVER_FAILS && is_for_memory(ret) &&
	       tally->memory >= nth_free_refusals + room;
}

/*
 * Does it, the n-th allocation failing. What the kernel allocates when a cache runs
 * empty comes at any time; what an operation itself allocates is the n-th again.
 */
static int act(const struct nth_op *op, unsigned int n, struct tally *tally)
{
	int tries = 0;
	int ret;

	nth_now = n;
	do {
		ret = op->act();
	} while (is_too_much(op, ret, tally) && tries++ < 2);
	nth_now = 0;
	ok(!is_too_much(op, ret, tally), "%s, %u: needs memory", op->name, n);
	tally->memory += is_for_memory(ret);
	return ret;
}

/* The step that the operation makes when nothing fails. */
struct step {
	struct nth_state *from;
	struct nth_state *to;
	int events;
};

/*
 * One run whose n-th allocation fails. @seen is how the unit looks, NULL: not known, and
 * then how the run left it. Return: false when there is no sense in going on.
 */
static bool run(const struct nth_op *op, const struct step *step, unsigned int n,
		struct tally *tally, struct nth_state **seen)
{
	struct nth_state *before, *after;
	bool unchanged, done, hit;
	int ret, events;

	nth_events();
	before = *seen ?: nth_look();
	ret = act(op, n, tally);
	events = nth_events();
	after = nth_look();
	hit = nth_hit;
	tally->injected += hit;

	if (ret < 0) {
		tally->refused++;
		ok(hit, "%s, %u: %s without a failure", op->name, n, vm_strerror(ret));
		ok(is_for_memory(ret) || ret == -EFAULT, "%s, %u: refused: %s", op->name, n,
		   vm_strerror(ret));
	} else if (ret == NTH_UNKNOWN) {
		tally->unknown++;
	} else {
		tally->done++;
	}

	unchanged = nth_same(before, after, false);
	done = nth_alike(step->from, step->to, before, after, false);
	if (ret == NTH_UNKNOWN || (ret == -EFAULT && op->flags & NTH_LATE_FAULT)) {
		if (!ok(unchanged || done, "%s, %u: done by half", op->name, n)) {
			nth_same(before, after, true);
			nth_alike(step->from, step->to, before, after, true);
		}
	} else if (ret < 0) {
		if (!ok(unchanged, "%s, %u: %s, but it changed something", op->name, n,
			vm_strerror(ret)))
			nth_same(before, after, true);
		done = false;
	} else if (ret == NTH_MENDED) {
		ok(!unchanged, "%s, %u: said to be done, and changed nothing", op->name, n);
		done = false;
		unchanged = false;
	} else {
		if (!ok(done, "%s, %u: said to be done, and is not", op->name, n))
			nth_alike(step->from, step->to, before, after, true);
		unchanged = false;
	}
	ok(nth_sound(after) || op->flags & NTH_MENDS, "%s, %u: the media are not sound",
	   op->name, n);
	if (done && !(op->flags & NTH_NO_TRACE))
		ok(events == step->events || events == -ENOBUFS,
		   "%s, %u: %d events, expected %d", op->name, n, events, step->events);
	else if (unchanged)
		ok(!events || events == -ENOBUFS, "%s, %u: %d events of nothing", op->name,
		   n, events);

	if (unchanged && ret && hit) {
		struct nth_state *again;

		ret = op->act();
		again = nth_look();
		ok(!ret, "%s, %u: does not work afterwards: %s", op->name, n,
		   vm_strerror(ret));
		if (!ok(nth_alike(step->from, step->to, before, again, false),
			"%s, %u: is not done afterwards", op->name, n))
			nth_alike(step->from, step->to, before, again, true);
		nth_forget(after);
		after = again;
	}
	nth_hit = hit;
	nth_forget(before);
	*seen = after;
	return wrong < TAP_SHOWN;
}

static bool begin(const struct nth_op *op)
{
	int ret = op->begin ? op->begin() : 0;

	return ok(ret >= 0, "%s: cannot begin: %s %s", op->name, vm_strerror(ret), vm_why());
}

static bool undo(const struct nth_op *op)
{
	int ret = op->undo ? op->undo() : 0;

	return ok(ret >= 0, "%s: cannot undo: %s %s", op->name, vm_strerror(ret), vm_why());
}

unsigned int nth_sweep(const struct nth_op *op)
{
	bool each = !(op->flags & NTH_STAYS);
	uint64_t began = vm_now_ns();
	struct tally tally = {};
	unsigned int n, past = 0, over = 0, again = 0;
	struct nth_state *seen = NULL;
	struct step step;
	int ret;

	wrong = 0;
	nth_mending = op->flags & NTH_MENDS;
	if (!begin(op))
		return wrong;
	nth_events();
	step.from = nth_look();
	ret = op->act();
	step.events = nth_events();
	step.to = nth_look();
	ok(!ret, "%s: %s without any failure: %s", op->name, vm_strerror(ret), nth_words);
	if (each)
		undo(op);
	/*
	 * Counts vary a little, as caches run empty: it is over when it is over twice, and
	 * what is short is done once more, since a turn may have been passed over.
	 */
	for (n = 1; !ret && past < 2; n++) {
		if (each && !begin(op))
			break;
		if (!run(op, &step, n, &tally, &seen))
			break;
		if (each) {
			nth_forget(seen);
			seen = NULL;
		}
		past = nth_hit ? 0 : past + 1;
		over += past > 0;
		if (each && !undo(op))
			break;
		if (!ok(n < MOST, "%s: no end after %u", op->name, n))
			break;
		if (past == 2 && n < SHORT && !again++) {
			past = 0;
			n = 0;
		}
	}
	if (!each)
		undo(op);
	nth_forget(seen);
	nth_forget(step.from);
	nth_forget(step.to);
	ok(tally.injected || op->flags & NTH_MAY_NOT_HIT, "%s: no failure was injected", op->name);
	printf("# %-28s %4u failures injected: %u refused, %u done, %u not told; %lu ms\n",
	       op->name, tally.injected, tally.refused, tally.done - over, tally.unknown,
	       (vm_now_ns() - began) / 1000000);
	fflush(stdout);
	return wrong;
}
