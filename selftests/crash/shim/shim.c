// SPDX-License-Identifier: GPL-2.0-or-later
/* What of the shim is not a macro. It must not know npmu. */
unsigned long shim_complaints;
struct user_namespace init_user_ns;

static struct pid shim_pid = { .count = 1 };
static struct task_struct shim_task = { .group_leader = &shim_task, .tgid = &shim_pid };
struct task_struct *current = &shim_task;

void shim_die(const char *file, int line, const char *what)
{
	printf("Bail out! %s:%d: %s\n", file, line, what);
	fflush(stdout);
	abort();
}

ssize_t shim_strscpy(char *dst, const char *src, size_t size, bool pad)
{
	size_t len = strnlen(src, size);

	SHIM_ASSERT(size);
	if (len == size) {
		memcpy(dst, src, size - 1);
		dst[size - 1] = 0;
		return -E2BIG;
	}
	memcpy(dst, src, len + 1);
	if (pad)
		memset(dst + len, 0, size - len);
	return (ssize_t)len;
}

static u64 shim_random = 1;

void shim_seed(u64 seed)
{
	shim_random = seed;
}

void generate_random_uuid(u8 *uuid)
{
	int i;

	for (i = 0; i < 16; i++) {
		shim_random = shim_random * 6364136223846793005ULL + 1442695040888963407ULL;
		uuid[i] = (u8)(shim_random >> 56);
	}
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
}

void xa_destroy(struct xarray *xa)
{
	free(xa->e);
	xa_init(xa);
}

static size_t xa_place(struct xarray *xa, unsigned long index)
{
	size_t i = 0;

	while (i < xa->nr && xa->e[i].index < index)
		i++;
	return i;
}

int shim_xa_insert(struct xarray *xa, unsigned long index, void *entry)
{
	size_t i = xa_place(xa, index);

	if (i < xa->nr && xa->e[i].index == index)
		return -EBUSY;
	if (xa->nr == xa->room) {
		xa->room = xa->room ? 2 * xa->room : 8;
		xa->e = realloc(xa->e, xa->room * sizeof(*xa->e));
		SHIM_ASSERT(xa->e);
	}
	memmove(&xa->e[i + 1], &xa->e[i], (xa->nr - i) * sizeof(*xa->e));
	xa->e[i] = (struct shim_xa_entry){ index, entry };
	xa->nr++;
	return 0;
}

int shim_xa_alloc(struct xarray *xa, u32 *id, void *entry, struct xa_limit limit)
{
	u32 i;

	for (i = limit.min; i <= limit.max; i++)
		if (!shim_xa_insert(xa, i, entry)) {
			*id = i;
			return 0;
		}
	return -EBUSY;
}

void *xa_load(struct xarray *xa, unsigned long index)
{
	size_t i = xa_place(xa, index);

	return i < xa->nr && xa->e[i].index == index ? xa->e[i].entry : NULL;
}

void *xa_erase(struct xarray *xa, unsigned long index)
{
	size_t i = xa_place(xa, index);
	void *entry;

	if (i == xa->nr || xa->e[i].index != index)
		return NULL;
	entry = xa->e[i].entry;
	memmove(&xa->e[i], &xa->e[i + 1], (--xa->nr - i) * sizeof(*xa->e));
	return entry;
}

void *shim_xa_find(struct xarray *xa, unsigned long *index, unsigned long max)
{
	size_t i = xa_place(xa, *index);

	if (i == xa->nr || xa->e[i].index > max)
		return NULL;
	*index = xa->e[i].index;
	return xa->e[i].entry;
}
