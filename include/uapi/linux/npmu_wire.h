/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * npmu wire protocol, version 1: what a unit's network interface and its clients say
 * to each other over a reliable RDMA connection.
 *
 * All fields are little-endian, all structures are a multiple of 8 bytes, every
 * reserved byte is zero. Whoever receives a message checks its length and type before
 * any other field, and refuses what is not exactly as said here.
 *
 *	1. connect: private data struct npmu_wire_hello, answered by struct
 *	   npmu_wire_welcome in the accept or struct npmu_wire_refusal in the reject.
 *	   Nothing secret goes there.
 *	2. AUTH_BEGIN and AUTH_PROVE: each side proves that it knows the key of the
 *	   principal, the unit first.
 *	3. CREATE, of a principal that may: makes a region.
 *	4. OPEN: one region a connection. The answer has the keys by which its bytes
 *	   are read, and CLAIM or TAKEOVER those by which they are written, at once by
 *	   RDMA READ and WRITE. Remote addresses are PM addresses.
 *	5. Any other request; one answer each, in order. Besides, the unit sends notices.
 *
 * Messages are SENDs of struct npmu_wire_header and what belongs to its type, at most
 * NPMU_WIRE_MSG_SIZE bytes. A client posts a receive for each answer it expects before
 * it asks, and NPMU_WIRE_NOTICES more.
 */
#ifndef _UAPI_LINUX_NPMU_WIRE_H
#define _UAPI_LINUX_NPMU_WIRE_H

#include <linux/types.h>
#include <linux/npmu_ckpt.h>
#include <linux/npmu_format.h>

#define NPMU_WIRE_VERSION	1
#define NPMU_WIRE_PORT		6768

/* Little-endian "NPMW". */
#define NPMU_WIRE_MAGIC		0x574d504eU

#define NPMU_WIRE_MSG_SIZE	4096
#define NPMU_WIRE_REQUESTS	8	/* that may wait for their answers at once */
#define NPMU_WIRE_NOTICES	4	/* that the unit may send without being asked */

#define NPMU_WIRE_NONCE_LEN	32
#define NPMU_WIRE_PROOF_LEN	32	/* HMAC-SHA256 */
#define NPMU_WIRE_KEY_MIN	32	/* bytes of a principal's key */
#define NPMU_WIRE_KEY_MAX	64

/**
 * struct npmu_wire_hello - private data of a connect request
 * @magic: NPMU_WIRE_MAGIC
 * @length: bytes of this structure
 * @version: the highest version that the client speaks
 * @reserved: zero
 */
struct npmu_wire_hello {
	__le32 magic;
	__le16 length;
	__le16 version;
	__u8 reserved[24];
};

/**
 * struct npmu_wire_welcome - private data of an accept
 * @magic: NPMU_WIRE_MAGIC
 * @length: bytes of this structure
 * @version: the one that is spoken from now on, at most the client's
 * @reserved: zero
 */
struct npmu_wire_welcome {
	__le32 magic;
	__le16 length;
	__le16 version;
	__u8 reserved[24];
};

/* Why a connection is refused. */
#define NPMU_REFUSED_LENGTH	1	/* the private data is too short or too long */
#define NPMU_REFUSED_MAGIC	2	/* is not npmu's */
#define NPMU_REFUSED_VERSION	3	/* the client speaks only older ones */
#define NPMU_REFUSED_RESERVED	4	/* has reserved bytes that are not zero */
#define NPMU_REFUSED_FULL	5	/* there are as many connections as are allowed */
#define NPMU_REFUSED_RATE	6	/* too many came at once: try again later */
#define NPMU_REFUSED_DEVICE	7	/* the unit's device cannot serve */
#define NPMU_REFUSED_MEMORY	8	/* the unit has no memory left for it */

/**
 * struct npmu_wire_refusal - private data of a reject
 * @magic: NPMU_WIRE_MAGIC
 * @length: bytes of this structure
 * @version: the highest version that the unit speaks
 * @reason: NPMU_REFUSED_*
 * @reserved: zero
 */
struct npmu_wire_refusal {
	__le32 magic;
	__le16 length;
	__le16 version;
	__le32 reason;
	__u8 reserved[20];
};

/* Requests. The answer to one has NPMU_WIRE_ANSWER added. */
#define NPMU_WIRE_AUTH_BEGIN	1
#define NPMU_WIRE_AUTH_PROVE	2
#define NPMU_WIRE_OPEN		3
#define NPMU_WIRE_CLAIM		4
#define NPMU_WIRE_TAKEOVER	5
#define NPMU_WIRE_RESIGN	6
#define NPMU_WIRE_COMMIT	7
#define NPMU_WIRE_KICK		8
#define NPMU_WIRE_WATCH		9
#define NPMU_WIRE_CREATE	10
#define NPMU_WIRE_READER_ATTACH	11
#define NPMU_WIRE_READER_ACK	12
#define NPMU_WIRE_READER_DETACH	13
#define NPMU_WIRE_TYPES		14
#define NPMU_WIRE_ANSWER	0x8000U

/* Notices of the unit; their request number is zero. */
#define NPMU_WIRE_CHANGED	0x4001U
#define NPMU_WIRE_KICK_WANTED	0x4002U	/* the header alone: see NPMU_WIRE_TELL */

/* Status of an answer: 0 or why nothing was done. */
#define NPMU_WIRE_OK		0
#define NPMU_WIRE_E_MALFORMED	1	/* the message is not as it must be */
#define NPMU_WIRE_E_ORDER	2	/* not now: nobody yet, nothing open, or open already */
#define NPMU_WIRE_E_AUTH	3	/* wrong key or unknown principal */
#define NPMU_WIRE_E_NOT_FOUND	4	/* no such unit or region that the principal may see */
#define NPMU_WIRE_E_ACCESS	5	/* the grant does not allow that */
#define NPMU_WIRE_E_STALE	6	/* fenced, or another fence epoch is current */
#define NPMU_WIRE_E_BUSY	7	/* there is another writer */
#define NPMU_WIRE_E_READ_ONLY	8	/* the region is */
#define NPMU_WIRE_E_RANGE	9	/* not within what was opened */
#define NPMU_WIRE_E_IO		10	/* memory failed */
#define NPMU_WIRE_E_GONE	11	/* the unit's device is gone */
#define NPMU_WIRE_E_LIMIT	12	/* too many opens of the principal, or keys needed */
#define NPMU_WIRE_E_MEMORY	13	/* the unit has no memory left for it */
#define NPMU_WIRE_E_TIMEDOUT	14	/* a fence is not done: ask again */
#define NPMU_WIRE_E_CLASS	15	/* less is survived than was asked for */
#define NPMU_WIRE_E_INTERNAL	16
#define NPMU_WIRE_E_EXISTS	17	/* another region has that name */
#define NPMU_WIRE_E_QUOTA	18	/* more than the principal may create */
#define NPMU_WIRE_E_NO_SPACE	19	/* no room in the unit, or in the table of readers */
#define NPMU_WIRE_E_INVALID	20	/* a value that cannot be: a name, a position */
#define NPMU_WIRE_E_NO_CHECKPOINT 21	/* no valid checkpoint in the append form */
#define NPMU_WIRE_E_NOT_ATTACHED 22	/* this connection is no named reader */

/**
 * struct npmu_wire_header - every message begins with it
 * @type: NPMU_WIRE_*
 * @length: of the whole message
 * @request: chosen by the client, not zero, repeated by the answer
 * @status: NPMU_WIRE_OK or NPMU_WIRE_E_*; in a request zero. An answer with an error is the
 *	header alone
 * @reserved: zero
 */
struct npmu_wire_header {
	__le16 type;
	__le16 length;
	__le32 request;
	__le32 status;
	__le32 reserved;
};

/**
 * struct npmu_wire_auth_begin - names the principal
 * @header: of every message
 * @principal: padded with zeros
 * @nonce: of the client, random, never used twice
 */
struct npmu_wire_auth_begin {
	struct npmu_wire_header header;
	__u8 principal[NPMU_PRINCIPAL_LEN];
	__u8 nonce[NPMU_WIRE_NONCE_LEN];
};

/**
 * struct npmu_wire_auth_begun - the unit proves that it knows the key
 * @header: of every message
 * @nonce: of the unit, random, never used twice
 * @proof: HMAC-SHA256 by the principal's key over struct npmu_wire_transcript with
 *	@role NPMU_WIRE_ROLE_UNIT. Of an unknown principal: by a key that nobody knows
 */
struct npmu_wire_auth_begun {
	struct npmu_wire_header header;
	__u8 nonce[NPMU_WIRE_NONCE_LEN];
	__u8 proof[NPMU_WIRE_PROOF_LEN];
};

/**
 * struct npmu_wire_auth_prove - so does the client
 * @header: of every message
 * @proof: as the unit's, with @role NPMU_WIRE_ROLE_CLIENT
 */
struct npmu_wire_auth_prove {
	struct npmu_wire_header header;
	__u8 proof[NPMU_WIRE_PROOF_LEN];
};

/* struct npmu_wire_auth_proved - the header alone */

#define NPMU_WIRE_ROLE_UNIT	0x54494e55U	/* little-endian "UNIT" */
#define NPMU_WIRE_ROLE_CLIENT	0x544e4c43U	/* little-endian "CLNT" */

/**
 * struct npmu_wire_transcript - what the proofs are over; never sent as such
 * @role: NPMU_WIRE_ROLE_*: a proof cannot be sent back to who made it
 * @client_qp: number of the client's queue pair, as the unit's connection manager was
 *	told it, and the other way round: a proof is of this connection
 * @unit_qp: number of the unit's queue pair. Over iWARP, where neither side is told the other's,
 *	both are 0
 * @reserved: zero
 * @hello: as sent, so that nobody talks the two into an older version
 * @welcome: as sent
 * @principal: as sent
 * @client_nonce: as sent
 * @unit_nonce: as sent
 */
struct npmu_wire_transcript {
	__le32 role;
	__le32 client_qp;
	__le32 unit_qp;
	__le32 reserved;
	struct npmu_wire_hello hello;
	struct npmu_wire_welcome welcome;
	__u8 principal[NPMU_PRINCIPAL_LEN];
	__u8 client_nonce[NPMU_WIRE_NONCE_LEN];
	__u8 unit_nonce[NPMU_WIRE_NONCE_LEN];
};

/* Access, as in linux/npmu_ioctl.h. */
#define NPMU_WIRE_READ		1U
#define NPMU_WIRE_WRITE		2U
/*
 * Not a right: as the writer, it wants to be told by KICK_WANTED that a reader is going to sleep,
 * for it commits by RDMA FLUSH, of which the unit learns nothing. One until the next KICK, or
 * COMMIT that kicks. Once it has arrived the unit wakes the reader, which looks again: what is
 * not there then is committed with the notice before it in the completion queue.
 */
#define NPMU_WIRE_TELL		4U

/**
 * struct npmu_wire_open - open a region
 * @header: of every message
 * @unit: name, padded with zeros
 * @region: name, padded with zeros
 * @access: NPMU_WIRE_READ, with or without NPMU_WIRE_WRITE, which only says that the writer
 *	role may be asked for, and NPMU_WIRE_TELL
 * @persistence_class: what a commit must survive at least (enum npmu_class)
 */
struct npmu_wire_open {
	struct npmu_wire_header header;
	__u8 unit[NPMU_UNIT_NAME_LEN];
	__u8 region[NPMU_REGION_NAME_LEN];
	__le32 access;
	__le32 persistence_class;
};

/**
 * struct npmu_wire_key - one key and what it opens
 * @address: PM address of the first byte
 * @length: bytes
 * @rkey: for RDMA READ and, as the writer, WRITE
 * @access: NPMU_WIRE_READ, NPMU_WIRE_WRITE: what it allows
 */
struct npmu_wire_key {
	__le64 address;
	__le64 length;
	__le32 rkey;
	__le32 access;
};

/* How a commit is made durable. */
#define NPMU_WIRE_PERSIST_MESSAGE	1U	/* by NPMU_WIRE_COMMIT */
#define NPMU_WIRE_PERSIST_FLUSH		2U	/* by RDMA FLUSH, with keys for writing */

/**
 * struct npmu_wire_opened - what was opened
 * @header: of every message
 * @unit_uuid: identity of the unit
 * @region_uuid: identity of the region
 * @pm_address: of the first byte that is granted
 * @offset: in the region of that byte
 * @length: bytes granted
 * @region_size: bytes of the whole region
 * @fence_epoch: the region's, now
 * @entry: id of the TPT entry, as the unit's administrator sees it
 * @persistence_class: what a commit survives (enum npmu_class)
 * @persist: NPMU_WIRE_PERSIST_*: every way that there is
 * @writer: not zero: there is a writer
 * @nr_keys: how many follow; they cover what is granted, in order, without gaps
 * @keys: for reading
 */
struct npmu_wire_opened {
	struct npmu_wire_header header;
	__u8 unit_uuid[NPMU_UUID_LEN];
	__u8 region_uuid[NPMU_UUID_LEN];
	__le64 pm_address;
	__le64 offset;
	__le64 length;
	__le64 region_size;
	__le64 fence_epoch;
	__le64 entry;
	__le32 persistence_class;
	__le32 persist;
	__le32 writer;
	__le32 nr_keys;
	struct npmu_wire_key keys[];
};

#define NPMU_WIRE_MAX_KEYS	160

/* struct npmu_wire_claim, struct npmu_wire_resign, struct npmu_wire_kick: the header alone */

/**
 * struct npmu_wire_takeover - fence the writer and become it
 * @header: of every message
 * @expected_epoch: the fence epoch that the client believes to be current
 */
struct npmu_wire_takeover {
	struct npmu_wire_header header;
	__le64 expected_epoch;
};

/**
 * struct npmu_wire_claimed - answer to CLAIM, TAKEOVER and RESIGN
 * @header: of every message
 * @fence_epoch: of this writer; after RESIGN the region's
 * @nr_keys: as in struct npmu_wire_opened
 * @reserved: zero
 * @keys: fresh ones; those given before are not good any more
 */
struct npmu_wire_claimed {
	struct npmu_wire_header header;
	__le64 fence_epoch;
	__le32 nr_keys;
	__le32 reserved;
	struct npmu_wire_key keys[];
};

/**
 * struct npmu_wire_range - bytes of the region
 * @offset: in the region
 * @length: not zero
 */
struct npmu_wire_range {
	__le64 offset;
	__le64 length;
};

#define NPMU_WIRE_MAX_RANGES	16
#define NPMU_WIRE_COMMIT_WORD	1U	/* @word is to be stored */
#define NPMU_WIRE_COMMIT_KICK	2U	/* and readers to be woken */
#define NPMU_WIRE_COMMIT_SEEN	4U	/* alone: what was read is to be durable; of any open */

/**
 * struct npmu_wire_commit - make durable what was written; then, maybe, store a word
 * @header: of every message
 * @flags: NPMU_WIRE_COMMIT_*
 * @nr_ranges: how many follow
 * @word_offset: in the region, a multiple of 8; zero without NPMU_WIRE_COMMIT_WORD
 * @word: stored there after the ranges are durable, and durable when answered
 * @ranges: what was written before by RDMA WRITE on this connection, or read from it
 */
struct npmu_wire_commit {
	struct npmu_wire_header header;
	__le32 flags;
	__le32 nr_ranges;
	__le64 word_offset;
	__le64 word;
	struct npmu_wire_range ranges[];
};

/* struct npmu_wire_committed, struct npmu_wire_kicked: the header alone */

/**
 * struct npmu_wire_watch - send one CHANGED when there is something new
 * @header: of every message
 * @kicks: what the client knows, of an answer or a notice before
 * @role: likewise
 */
struct npmu_wire_watch {
	struct npmu_wire_header header;
	__le64 kicks;
	__le64 role;
};

/**
 * struct npmu_wire_changed - answer to WATCH, and the notice that follows when neither
 * @header: of every message
 *	count is new by then
 * @kicks: of the writer so far
 * @role: counts changes of the writer role
 * @fence_epoch: the region's
 * @last_epoch: fence epoch of the last writer that ended
 * @writer: not zero: there is a writer
 * @reserved: zero
 */
struct npmu_wire_changed {
	struct npmu_wire_header header;
	__le64 kicks;
	__le64 role;
	__le64 fence_epoch;
	__le64 last_epoch;
	__le32 writer;
	__le32 reserved;
};

/**
 * struct npmu_wire_create - make a region, by a principal that may create in the unit
 * @header: of every message
 * @unit: name, padded with zeros
 * @region: name, padded with zeros
 * @size: bytes, not zero; rounded up to 4 KiB
 *
 * Before OPEN. The principal has a grant of all of it; what the region is else, see
 * Documentation/grants.rst. Its bytes are zero. Errors: E_NOT_FOUND (no such unit, or the
 * principal may not create there), E_QUOTA, E_EXISTS, E_NO_SPACE, E_INVALID (the name, or
 * @size is more than can be), E_IO (try again), E_GONE, E_MEMORY.
 */
struct npmu_wire_create {
	struct npmu_wire_header header;
	__u8 unit[NPMU_UNIT_NAME_LEN];
	__u8 region[NPMU_REGION_NAME_LEN];
	__le64 size;
};

/**
 * struct npmu_wire_created - it is there, durably
 * @header: of every message
 * @region_uuid: identity of the region
 * @size: bytes it has
 */
struct npmu_wire_created {
	struct npmu_wire_header header;
	__u8 region_uuid[NPMU_UUID_LEN];
	__le64 size;
};

#define NPMU_WIRE_READER_CREATE	1U	/* make the entry when there is none of that name */

/**
 * struct npmu_wire_reader_attach - be a named reader of the checkpoint in the region
 * @header: of every message
 * @flags: NPMU_WIRE_READER_*
 * @reserved: zero
 * @instance: of the checkpoint that is read, as its header says
 * @position: where a new entry begins; else ignored
 * @name: padded with zeros, at least one of them
 *
 * As NPMU_IOC_READER_ATTACH. A right to read is enough; the grant must begin where the
 * region begins, and cover the header and the table. An entry belongs to the principal
 * that made it. On the media its user is the CRC32C of the principal's name, with the
 * highest bit set; so are all principals together that which is said there of users who
 * are not the region's owner, but for the principal that created the region. Errors:
 * E_NO_CHECKPOINT, E_STALE (another @instance is there, or fenced), E_NOT_FOUND,
 * E_ACCESS (it is another's), E_BUSY (another connection has it, or this one has another),
 * E_NO_SPACE, E_READ_ONLY, E_RANGE (the grant does not cover the table), E_INVALID
 * (@name, @position), E_IO, E_MEMORY.
 */
struct npmu_wire_reader_attach {
	struct npmu_wire_header header;
	__le32 flags;
	__le32 reserved;
	__le64 instance;
	__le64 position;
	__u8 name[NPMU_CKPT_READER_NAME_LEN];
};

/**
 * struct npmu_wire_reader_attached - it is one, durably
 * @header: of every message
 * @position: what is acknowledged
 * @slot: place in the table of readers
 * @reserved: zero
 */
struct npmu_wire_reader_attached {
	struct npmu_wire_header header;
	__le64 position;
	__le32 slot;
	__le32 reserved;
};

/**
 * struct npmu_wire_reader_ack - all updates below @position are acknowledged
 * @header: of every message
 * @position: as in NPMU_IOC_READER_ACK
 *
 * Durable when answered. Errors: E_NOT_ATTACHED, E_INVALID (@position), E_STALE,
 * E_READ_ONLY, E_IO, E_MEMORY.
 */
struct npmu_wire_reader_ack {
	struct npmu_wire_header header;
	__le64 position;
};

/**
 * struct npmu_wire_reader_detach - give an entry back
 * @header: of every message
 * @name: padded with zeros; all zero: that of this connection
 *
 * As NPMU_IOC_READER_DETACH. Errors: E_NOT_FOUND, E_NOT_ATTACHED, E_ACCESS,
 * E_NO_CHECKPOINT, E_STALE, E_READ_ONLY, E_INVALID (@name), E_RANGE, E_IO, E_MEMORY.
 */
struct npmu_wire_reader_detach {
	struct npmu_wire_header header;
	__u8 name[NPMU_CKPT_READER_NAME_LEN];
};

/* struct npmu_wire_reader_acked, struct npmu_wire_reader_detached: the header alone */

#endif /* _UAPI_LINUX_NPMU_WIRE_H */
