// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may create regions, on the media: one block under the same rule of two copies as
 * a record. It must not know what a creator makes, nor how much it has.
 */
#include <linux/slab.h>

#include "format.h"
#include "media.h"

static const u64 creators_where[2] = { NPMU_CREATORS_COPY0, NPMU_CREATORS_COPY1 };

int npmu_media_load_creators(struct npmu_media *media)
{
	struct npmu_creators_block *copies[2] = { (void *)media->rec, (void *)media->twin };
	struct npmu_pick pick;
	int verdict[2];
	u64 epoch[2];
	int copy;

	media->creators = kzalloc(sizeof(*media->creators), GFP_KERNEL);
	if (!media->creators)
		return -ENOMEM;
	for (copy = 0; copy < 2; copy++) {
		/* One that cannot be read is not one that is empty. */
		verdict[copy] = npmu_media_read_block(media, creators_where[copy], copies[copy]) ?
				NPMU_FMT_CRC : npmu_creators_check(copies[copy], media->sb);
		epoch[copy] = le64_to_cpu(copies[copy]->media_epoch);
	}
	pick = npmu_record_pick(verdict, epoch,
				!memcmp(copies[0], copies[1], NPMU_RECORD_SIZE));
	if (pick.current_copy < 0) {
		/* A right that is not known is none. */
		pr_err("npmu: both copies of the creators are damaged: no principal may create regions\n");
		return 0;
	}
	if (pick.repair)
		media->repaired += npmu_backing_persist(media->backing,
							creators_where[!pick.current_copy],
							copies[pick.current_copy],
							NPMU_RECORD_SIZE);
	media->epoch = max(media->epoch, epoch[pick.current_copy]);
	npmu_creators_load(media->creators, copies[pick.current_copy]);
	return 0;
}

void npmu_media_commit_creators(struct npmu_media *media)
{
	/* media->blk is free for this: no list block is being composed. */
	struct npmu_creators_block *blk = (void *)media->blk;

	npmu_creators_store(blk, media->creators, media->sb, ++media->epoch);
	npmu_backing_persist(media->backing, creators_where[0], blk, sizeof(*blk));
	npmu_backing_persist(media->backing, creators_where[1], blk, sizeof(*blk));
}
