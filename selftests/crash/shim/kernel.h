/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As much of the kernel as layers 1 to 3 of the module need, for one thread in
 * user space. Included before everything else; each <linux/...> header that the
 * module names is made to be this one (see the Makefile). A lock that is taken
 * twice, or not held where it must be, ends the program.
 */
#ifndef SHIM_KERNEL_H
#define SHIM_KERNEL_H

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

#include "pure.h"

typedef int64_t s64;

void shim_die(const char *file, int line, const char *what) __attribute__((noreturn));
#define SHIM_ASSERT(c)	((c) ? (void)0 : shim_die(__FILE__, __LINE__, #c))

/* --- the language --- */

#define __rcu
#define __acquires(lock)
#define __releases(lock)
#undef __counted_by		/* newer headers of user space have it */
#define __counted_by(member)
#define READ_ONCE(x)		(*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v)	(*(volatile __typeof__(x) *)&(x) = (v))
#define smp_store_release(p, v)	WRITE_ONCE(*(p), v)
#define smp_mb()		__sync_synchronize()
#define BIT(n)			(1UL << (n))
#define container_of(p, type, member) \
	((type *)((char *)(p) - offsetof(type, member)))
#define min3(a, b, c)		min(a, min(b, c))
#define min(a, b) \
	({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ < b_ ? a_ : b_; })
#define max(a, b) \
	({ __typeof__(a) a_ = (a); __typeof__(b) b_ = (b); a_ > b_ ? a_ : b_; })
#define ALIGN(x, a)		(((x) + (a) - 1) & ~((__typeof__(x))(a) - 1))
#define ilog2(x)		(63 - __builtin_clzll(x))
#define roundup_pow_of_two(x)	((x) <= 1 ? 1ULL : 1ULL << (64 - __builtin_clzll((x) - 1ULL)))
#define array_size(n, size)	((size_t)(n) * (size))
#define size_add(a, b)		((size_t)(a) + (b))
#define struct_size(p, member, n) \
	(sizeof(*(p)) + sizeof((p)->member[0]) * (size_t)(n))
#define PAGE_SIZE		4096UL
#define SHIM_CAT_(a, b)		a##b
#define SHIM_CAT(a, b)		SHIM_CAT_(a, b)

#define IS_ERR(p)		((unsigned long)(p) >= (unsigned long)-4095)
#define PTR_ERR(p)		((int)(long)(p))
#define PTR_ERR_OR_ZERO(p)	(IS_ERR(p) ? PTR_ERR(p) : 0)
#define ERR_PTR(e)		((void *)(long)(e))

ssize_t shim_strscpy(char *dst, const char *src, size_t size, bool pad);
#define SHIM_STRSCPY2(d, s)	shim_strscpy(d, s, sizeof(d), false)
#define SHIM_STRSCPY3(d, s, n)	shim_strscpy(d, s, n, false)
#define SHIM_THIRD(a, b, c, name, ...) name
#define strscpy(...)		SHIM_THIRD(__VA_ARGS__, SHIM_STRSCPY3, SHIM_STRSCPY2)(__VA_ARGS__)
#define strscpy_pad(d, s, n)	shim_strscpy(d, s, n, true)

#define swap(a, b) \
	do { __typeof__(a) swap_ = (a); (a) = (b); (b) = swap_; } while (0)
#define sort(base, nr, size, cmp, swap)	qsort(base, nr, size, cmp)

static inline unsigned int full_name_hash(const void *salt, const char *name, size_t len)
{
	unsigned int hash = 0;

	(void)salt;
	while (len--)
		hash = hash * 31 + (unsigned char)*name++;
	return hash;
}

/* --- messages: counted, not shown --- */

extern unsigned long shim_complaints;
#define pr_err(...)	do { shim_complaints++; if (0) printf(__VA_ARGS__); } while (0)
#define pr_warn(...)	pr_err(__VA_ARGS__)
#define pr_info(...)	do { if (0) printf(__VA_ARGS__); } while (0)
#define WARN_ON_ONCE(c)	({ bool c_ = (c); SHIM_ASSERT(!c_ && "WARN: " #c); c_; })
#define WARN_ON(c)	WARN_ON_ONCE(c)

struct netlink_ext_ack {
	char text[160];
};

#define NL_SET_ERR_MSG_FMT(ack, ...) do { \
	struct netlink_ext_ack *ack_ = (ack); \
	if (ack_) \
		snprintf(ack_->text, sizeof(ack_->text), __VA_ARGS__); \
} while (0)
#define NL_SET_ERR_MSG(ack, msg)	NL_SET_ERR_MSG_FMT(ack, "%s", msg)

/* --- memory --- */

typedef unsigned int gfp_t;
#define GFP_KERNEL		0
#define GFP_KERNEL_ACCOUNT	0
#define kmalloc(size, gfp)	malloc(size)
#define kzalloc(size, gfp)	calloc(1, size)
#define kcalloc(n, size, gfp)	calloc(n, size)
#define kvzalloc(size, gfp)	calloc(1, size)
#define kvcalloc(n, size, gfp)	calloc(n, size)
#define kfree(p)		free((void *)(p))
#define kvfree(p)		free((void *)(p))
#define kvfree_rcu(p, member)	free(p)
#define kfree_rcu(p, member)	free(p)
#define get_zeroed_page(gfp)	((unsigned long)calloc(1, PAGE_SIZE))
#define free_page(page)		free((void *)(page))
#define __free(how)		__attribute__((cleanup(shim_free_##how)))
static inline void shim_free_kfree(void *p) { free(*(void **)p); }
static inline void shim_free_kvfree(void *p) { free(*(void **)p); }

/* --- locks: one thread, so that a wait that would not end at once never ends --- */

struct mutex {
	bool held;
};

#define DEFINE_MUTEX(name)	struct mutex name
#define mutex_init(m)		((m)->held = false)
#define mutex_lock(m)		do { SHIM_ASSERT(!(m)->held); (m)->held = true; } while (0)
#define mutex_unlock(m)		do { SHIM_ASSERT((m)->held); (m)->held = false; } while (0)
#define mutex_lock_killable(m)	({ mutex_lock(m); 0; })
#define lockdep_is_held(m)	((m)->held)
#define lockdep_assert_held(m)	SHIM_ASSERT((m)->held)

static inline struct mutex *shim_guard(struct mutex *m) { mutex_lock(m); return m; }
static inline void shim_unguard(struct mutex **m) { mutex_unlock(*m); }
#define guard(kind)		shim_guard_##kind
#define shim_guard_mutex(m) \
	struct mutex *SHIM_CAT(guard_, __COUNTER__) \
		__attribute__((cleanup(shim_unguard), unused)) = shim_guard(m)
#define shim_guard_rcu()	do { } while (0)
#define rcu_read_lock()		do { } while (0)
#define rcu_read_unlock()	do { } while (0)

struct rcu_head { void *unused; };
#define rcu_dereference(p)		(p)
#define rcu_dereference_protected(p, c)	({ SHIM_ASSERT(c); (p); })
#define rcu_assign_pointer(p, v)	((p) = (v))
#define synchronize_rcu()		do { } while (0)
#define DEFINE_STATIC_SRCU(name)	static int name
#define srcu_read_lock(s)		((*(s))++)
#define srcu_read_unlock(s, idx)	((void)(idx), (*(s))--)
#define synchronize_srcu_expedited(s)	SHIM_ASSERT(!*(s))

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;
#define ATOMIC64_INIT(v)	{ v }
#define atomic_read(a)		READ_ONCE((a)->counter)
#define atomic_set(a, v)	((a)->counter = (v))
#define atomic_set_release(a, v) atomic_set(a, v)
#define atomic_dec_return(a)	(--(a)->counter)
#define atomic_fetch_or(v, a)	({ int old_ = (a)->counter; (a)->counter |= (v); old_; })
#define atomic_inc_unless_negative(a) \
	({ bool in_ = (a)->counter >= 0; (a)->counter += in_; in_; })
#define atomic64_read(a)	READ_ONCE((a)->counter)
#define atomic64_inc(a)		((a)->counter++)
#define atomic64_inc_return(a)	(++(a)->counter)

#define xchg(p, v) ({						\
	typeof(*(p)) before_ = *(p);				\
	*(p) = (v);						\
	before_;						\
})

typedef struct { int unused; } wait_queue_head_t;
#define init_waitqueue_head(w)	((void)(w))
#define wake_up_all(w)		((void)(w))
#define wait_event(w, cond)	SHIM_ASSERT(cond)
#define wait_event_timeout(w, cond, timeout) ({ (void)(timeout); (cond); })
#define HZ			100
#define jiffies			0UL
#define cond_resched()		do { } while (0)

struct kref { unsigned int count; };
#define kref_init(r)		((r)->count = 1)
#define kref_get(r)		do { SHIM_ASSERT((r)->count); (r)->count++; } while (0)
static inline int kref_put(struct kref *r, void (*release)(struct kref *))
{
	SHIM_ASSERT(r->count);
	if (--r->count)
		return 0;
	release(r);
	return 1;
}

/* --- who asks --- */

struct user_namespace { int unused; };
extern struct user_namespace init_user_ns;
typedef struct { u32 val; } kuid_t;
typedef struct { u32 val; } kgid_t;
#define GLOBAL_ROOT_UID		((kuid_t){ 0 })
#define GLOBAL_ROOT_GID		((kgid_t){ 0 })
#define make_kuid(ns, v)	((void)(ns), (kuid_t){ v })
#define make_kgid(ns, v)	((void)(ns), (kgid_t){ v })
#define from_kuid(ns, v)	((void)(ns), (v).val)
#define from_kgid(ns, v)	((void)(ns), (v).val)
#define __kuid_val(v)		((v).val)
#define uid_eq(a, b)		((a).val == (b).val)
#define gid_eq(a, b)		((a).val == (b).val)
#define INVALID_UID		((kuid_t){ ~0U })
#define uid_valid(v)		((v).val != ~0U)
#define gid_valid(v)		((v).val != ~0U)
#define current_fsuid()		GLOBAL_ROOT_UID
#define in_group_p(gid)		((void)(gid), false)
#define capable(cap)		true

#define TASK_COMM_LEN	16
struct pid { unsigned int count; };
struct task_struct {
	struct task_struct *group_leader;
	struct pid *tgid;
};
extern struct task_struct *current;
#define task_tgid(task)		((task)->tgid)
#define get_task_comm(to, task)	((void)(task), strcpy(to, "test"))
static inline struct pid *get_pid(struct pid *pid)
{
	if (pid)
		pid->count++;
	return pid;
}
static inline void put_pid(struct pid *pid)
{
	SHIM_ASSERT(!pid || pid->count);
	if (pid)
		pid->count--;
}
#define fatal_signal_pending(task)	((void)(task), false)

#define THIS_MODULE		NULL
#define try_module_get(m)	((void)(m), true)
#define module_put(m)		((void)(m))
#define module_param(...)	_Static_assert(1, "")
#define MODULE_PARM_DESC(...)	_Static_assert(1, "")

/* Deterministic, see shim_seed(). */
void shim_seed(u64 seed);
void generate_random_uuid(u8 *uuid);
#define ktime_get_real_seconds()	1700000000LL

#include "lists.h"

/* What makes something durable counts where it is called from. */
#include "backing.h"
#include "points.h"
#define npmu_backing_write(b, off, src, len) \
	({ CRASH_POINT("write"); npmu_backing_write(b, off, src, len); })
#define npmu_backing_store(b, off, word) \
	({ CRASH_POINT("store"); npmu_backing_store(b, off, word); })
#define npmu_backing_zero(b, off, len) \
	({ CRASH_POINT("zero"); npmu_backing_zero(b, off, len); })
#define npmu_backing_writeback(b, off, len) \
	({ CRASH_POINT("writeback"); npmu_backing_writeback(b, off, len); })
#define npmu_backing_fence(b) \
	({ CRASH_POINT("fence"); npmu_backing_fence(b); })
#define npmu_backing_put(b, off, src, len) \
	({ CRASH_POINT("put"); npmu_backing_put(b, off, src, len); })
#define npmu_backing_persist(b, off, src, len) \
	({ CRASH_POINT("persist"); npmu_backing_persist(b, off, src, len); })

/* linux/tracepoint.h: no tracepoint is ever on. */
#define TP_PROTO(args...)	args
#define TP_ARGS(args...)
#define TP_STRUCT__entry(args...)
#define TP_fast_assign(args...)
#define TP_printk(args...)
#define DECLARE_EVENT_CLASS(name, args...)
#define DEFINE_EVENT(class, name, proto, args...)	\
	static inline void trace_##name(proto) { }
#define TRACE_EVENT(name, proto, args...)		\
	static inline void trace_##name(proto) { }

#endif /* SHIM_KERNEL_H */
