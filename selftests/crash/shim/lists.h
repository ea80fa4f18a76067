/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists, hash lists, hash tables and xarrays of the kernel, in their simplest form. */
#ifndef SHIM_LISTS_H
#define SHIM_LISTS_H

struct list_head { struct list_head *next, *prev; };
struct hlist_node { struct hlist_node *next, **pprev; };
struct hlist_head { struct hlist_node *first; };

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)
#define INIT_LIST_HEAD(h)	((h)->next = (h)->prev = (h))
#define list_empty(h)		((h)->next == (h))

static inline void list_add_tail(struct list_head *node, struct list_head *head)
{
	node->prev = head->prev;
	node->next = head;
	head->prev->next = node;
	head->prev = node;
}

static inline void list_del(struct list_head *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	node->next = NULL;
	node->prev = NULL;
}

#define list_entry(p, type, member)	container_of(p, type, member)
#define list_for_each_entry(pos, head, member) \
	for (pos = list_entry((head)->next, __typeof__(*pos), member); \
	     &pos->member != (head); \
	     pos = list_entry(pos->member.next, __typeof__(*pos), member))

#define INIT_HLIST_NODE(n)	((n)->next = NULL, (n)->pprev = NULL)

static inline void hlist_add_head(struct hlist_node *node, struct hlist_head *head)
{
	node->next = head->first;
	node->pprev = &head->first;
	if (head->first)
		head->first->pprev = &node->next;
	head->first = node;
}

static inline void hlist_del_init(struct hlist_node *node)
{
	if (!node->pprev)
		return;
	*node->pprev = node->next;
	if (node->next)
		node->next->pprev = node->pprev;
	node->next = NULL;
	node->pprev = NULL;
}

#define hlist_del(n)	hlist_del_init(n)
#define hlist_entry_safe(p, type, member) \
	({ struct hlist_node *p_ = (p); p_ ? container_of(p_, type, member) : NULL; })
#define hlist_for_each_entry(pos, head, member) \
	for (pos = hlist_entry_safe((head)->first, __typeof__(*pos), member); pos; \
	     pos = hlist_entry_safe(pos->member.next, __typeof__(*pos), member))

#define DEFINE_HASHTABLE(name, bits)	struct hlist_head name[1 << (bits)]
#define SHIM_BUCKET(table, key) \
	(&(table)[(key) & (sizeof(table) / sizeof((table)[0]) - 1)])
#define hash_add(table, node, key)	hlist_add_head(node, SHIM_BUCKET(table, key))
#define hash_del(node)			hlist_del_init(node)
#define hash_for_each_possible(table, pos, member, key) \
	hlist_for_each_entry(pos, SHIM_BUCKET(table, key), member)

/* --- xarray: entries in order of index --- */

struct shim_xa_entry {
	unsigned long index;
	void *entry;
};

struct xarray {
	struct shim_xa_entry *e;
	size_t nr, room;
};

struct xa_limit { u32 max, min; };
#define XA_LIMIT(lo, hi)	((struct xa_limit){ .min = lo, .max = hi })
#define XA_FLAGS_ALLOC		0
#define XA_PRESENT		0
#define xa_init(xa)		((xa)->e = NULL, (xa)->nr = (xa)->room = 0)
#define xa_init_flags(xa, f)	xa_init(xa)
#define xa_empty(xa)		(!(xa)->nr)

void xa_destroy(struct xarray *xa);
int shim_xa_insert(struct xarray *xa, unsigned long index, void *entry);
int shim_xa_alloc(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit);
void *xa_load(struct xarray *xa, unsigned long index);
void *xa_erase(struct xarray *xa, unsigned long index);
/* The first entry at or behind *index, up to max; sets *index. */
void *shim_xa_find(struct xarray *xa, unsigned long *index, unsigned long max);
#define xa_insert(xa, index, entry, gfp)	shim_xa_insert(xa, index, entry)
#define xa_alloc(xa, id, entry, limit, gfp)	shim_xa_alloc(xa, id, entry, limit)
#define xa_find(xa, index, max, filter)		shim_xa_find(xa, index, max)
#define xa_find_after(xa, index, max, filter)	(++*(index), shim_xa_find(xa, index, max))
#define xa_for_each_start(xa, index, pos, start) \
	for (index = (start), pos = shim_xa_find(xa, &index, ULONG_MAX); pos; \
	     index++, pos = shim_xa_find(xa, &index, ULONG_MAX))
#define xa_for_each(xa, index, pos)	xa_for_each_start(xa, index, pos, 0)

#endif /* SHIM_LISTS_H */
