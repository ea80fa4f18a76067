// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Makes the kernel complain: what is written to the parameter "about" is done, one of
 * each kind that the debug kernel finds. For tests that nothing of it is overlooked.
 * Knows nothing of npmu.
 */
#include <linux/delay.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>

/* Not known to the compiler, so that it leaves the mistakes in. */
static int volatile five = 5;

/* What is no complaint, only looks so in the middle of a line. */
static void about_nothing(void)
{
	pr_info("complain: about nothing: WARNING: BUG: KASAN: kmemleak: 1 new\n");
}

static void about_warn(void)
{
	WARN_ON(five);
}

static void about_use_after_free(void)
{
	char *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	OPTIMIZER_HIDE_VAR(p);
	kfree(p);
	pr_info("complain: read %d\n", *(char volatile *)p);
}

static void about_array_index(void)
{
	static int volatile few[4];

	pr_info("complain: read %d\n", few[five]);
}

static void about_shift(void)
{
	pr_info("complain: shifted %d\n", 1 << (five * 10));
}

static void about_sleep_in_atomic(void)
{
	static DEFINE_SPINLOCK(lock);

	spin_lock(&lock);
	might_sleep();
	spin_unlock(&lock);
}

static void about_preemptible(void)
{
	pr_info("complain: on processor %u\n", smp_processor_id());
}

static void about_rcu(void)
{
	static int __rcu *pointer;

	pr_info("complain: %p\n", rcu_dereference(pointer));
}

static void about_list(void)
{
	static LIST_HEAD(head);
	static struct list_head a, b;

	list_add(&a, &head);
	list_add(&b, &head);
	a.prev = &head;
	list_del(&a);
	INIT_LIST_HEAD(&head);
}

static void about_refcount(void)
{
	static refcount_t count = REFCOUNT_INIT(0);

	refcount_inc(&count);
}

static void ring(struct timer_list *timer)
{
}

static void about_object(void)
{
	static struct timer_list timer;

	timer_setup(&timer, ring, 0);
	mod_timer(&timer, jiffies + 1000 * HZ);
	timer_setup(&timer, ring, 0);
	timer_shutdown_sync(&timer);
}

static void about_leak(void)
{
	void *p = kmalloc(192, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	pr_info("complain: lost memory%s\n", p ? "" : ", or would have");
}

static void about_lock_order(void)
{
	static DEFINE_MUTEX(a);
	static DEFINE_MUTEX(b);

	mutex_lock(&a);
	mutex_lock(&b);
	mutex_unlock(&b);
	mutex_unlock(&a);
	mutex_lock(&b);
	mutex_lock(&a);
	mutex_unlock(&a);
	mutex_unlock(&b);
}

static const struct {
	const char *what;
	void (*complain)(void);
} complaints[] = {
	{ "nothing", about_nothing },
	{ "warn", about_warn },
	/* Before KASAN speaks, as lockdep does not look any more after that. */
	{ "rcu", about_rcu },
	{ "lock_order", about_lock_order },
	{ "use_after_free", about_use_after_free },
	{ "array_index", about_array_index },
	{ "shift", about_shift },
	{ "sleep_in_atomic", about_sleep_in_atomic },
	{ "preemptible", about_preemptible },
	{ "list", about_list },
	{ "refcount", about_refcount },
	{ "object", about_object },
	{ "leak", about_leak },
};

static int about_set(const char *val, const struct kernel_param *kp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(complaints); i++) {
		if (sysfs_streq(val, complaints[i].what)) {
			complaints[i].complain();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops about_ops = { .set = about_set };
module_param_cb(about, &about_ops, NULL, 0200);
MODULE_PARM_DESC(about, "what to complain about");

MODULE_DESCRIPTION("Makes the kernel complain");
MODULE_LICENSE("GPL");
