/*
 * master_key.c
 *		The secret outside the database under which all others are sealed.
 *
 * A file, or the output of a command: one key a line in hexadecimal, "#"
 * starting a comment.  The first key is the current one; those below it are
 * kept so that secrets sealed under them can still be opened after a rotation.
 * Keys are known by an id, a short digest that is safe to store and to show.
 *
 * In memory the keys lie in sodium_malloc() pages: locked, fenced, and left
 * out of core dumps.
 */
#include "postgres.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "utils/memutils.h"

#include "crypto/master_key.h"
#include "settings.h"

#define MAX_MASTER_KEYS 16
#define MAX_SOURCE_BYTES 8192
#define HEX_CHARACTERS (2 * MASTER_KEY_BYTES)

typedef struct MasterKey
{
	uint32 id;
	unsigned char key[MASTER_KEY_BYTES];
} MasterKey;

/* The keys that this backend holds, and where and when they were read. */
static MasterKey *held_keys = NULL; /* sodium_malloc()ed, MAX_MASTER_KEYS long */
static int held_count = 0;
static char *held_source = NULL; /* the command or the path; malloc()ed */
static struct stat held_stat;    /* of the file; unused for a command */
static uint64 reads = 0;         /* how often keys were read */

static bool
from_command(void)
{
	return setting_master_key_command[0] != '\0';
}

static char *
file_path(void)
{
	if (is_absolute_path(setting_master_key_file))
		return pstrdup(setting_master_key_file);
	return psprintf("%s/%s", DataDir, setting_master_key_file);
}

/* Where the master key comes from, for messages. */
char *
master_key_source(void)
{
	if (from_command())
		return pstrdup("the output of authfort.master_key_command");
	return psprintf("file \"%s\"", file_path());
}

static uint32
key_id(const unsigned char key[MASTER_KEY_BYTES])
{
	static const unsigned char context[] = "authfort master key id";
	unsigned char digest[crypto_generichash_BYTES_MIN];
	uint32 id;

	crypto_generichash(digest, sizeof(digest), context, sizeof(context), key, MASTER_KEY_BYTES);
	memcpy(&id, digest, sizeof(id));
	return id;
}

static void
forget_keys(void)
{
	if (held_keys != NULL)
		sodium_memzero(held_keys, MAX_MASTER_KEYS * sizeof(MasterKey));
	held_count = 0;
	free(held_source);
	held_source = NULL;
}

static void
raise_malformed(const char *reason)
{
	forget_keys();
	ereport(ERROR,
			(errcode(ERRCODE_CONFIG_FILE_ERROR),
			 errmsg("could not read the master key from %s", master_key_source()),
			 errdetail("%s", reason),
			 errhint("It must contain one key per line, each of %d hexadecimal digits. Restore it from its backup.",
					 HEX_CHARACTERS)));
}

/* Reads one line into held_keys; ignores blank lines and comments. */
static void
read_line(const char *line, size_t len)
{
	MasterKey *entry;
	size_t decoded;

	while (len > 0 && isspace((unsigned char) line[len - 1]))
		len--;
	if (len == 0 || line[0] == '#')
		return;
	if (held_count == MAX_MASTER_KEYS)
		raise_malformed("It holds too many keys.");

	entry = &held_keys[held_count];
	if (len != HEX_CHARACTERS ||
		sodium_hex2bin(entry->key, sizeof(entry->key), line, len, NULL, &decoded, NULL) != 0)
		raise_malformed("A line is not a key.");
	entry->id = key_id(entry->key);
	held_count++;
}

/* Replaces held_keys by the keys in "text". */
static void
read_keys(const char *text, size_t len, const char *source)
{
	const char *end = text + len;

	if (held_keys == NULL)
	{
		held_keys = sodium_malloc(MAX_MASTER_KEYS * sizeof(MasterKey));
		if (held_keys == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_OUT_OF_MEMORY),
					 errmsg("out of memory"),
				 errdetail("Failed while reading the master key.")));
	}
	forget_keys();
	while (text < end)
	{
		const char *newline = memchr(text, '\n', end - text);
		const char *stop = (newline != NULL) ? newline : end;

		read_line(text, stop - text);
		text = (newline != NULL) ? newline + 1 : end;
	}
	if (held_count == 0)
		raise_malformed("It holds no key.");
	held_source = strdup(source);
	if (held_source == NULL)
	{
		forget_keys();
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("out of memory"),
				 errdetail("Failed while reading the master key.")));
	}
	reads++;
}

/* PostgreSQL's rule for its TLS key: other users must not be able to read it. */
static void
check_permissions(const struct stat *st, const char *path)
{
	mode_t forbidden = (st->st_uid == 0) ? (S_IWGRP | S_IXGRP | S_IRWXO) : (S_IRWXG | S_IRWXO);

	if (!S_ISREG(st->st_mode) || (st->st_uid != geteuid() && st->st_uid != 0) ||
		(st->st_mode & forbidden) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("master key file \"%s\" is not protected from other users", path),
				 errdetail("It must be a plain file with permissions u=rw (0600) or less if owned by the database user, or u=rw,g=r (0640) or less if owned by root.")));
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
		   a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
		   a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/*
 * Every problem with the master key has the same SQLSTATE. The SQLSTATE of the
 * file error would mislead: "permission denied" is a refusal to clients.
 */
static void
raise_unreadable(const char *path)
{
	int saved_errno = errno;

	forget_keys();
	errno = saved_errno;
	ereport(ERROR,
			(errcode(ERRCODE_CONFIG_FILE_ERROR),
			 errmsg("could not read master key file \"%s\": %m", path),
			 (saved_errno == ENOENT) ?
			 errhint("Restore the master key file from its backup: what it sealed cannot be opened without it.") : 0));
}

/* Reads the file again only if it is not the one that was read last. */
static void
load_from_file(void)
{
	char *path = file_path();
	char text[MAX_SOURCE_BYTES];
	struct stat st;
	ssize_t len;
	int fd;

	if (stat(path, &st) != 0)
		raise_unreadable(path);
	if (held_source != NULL && strcmp(held_source, path) == 0 && same_file(&st, &held_stat))
		return;

	check_permissions(&st, path);
	fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	if (fd < 0 || fstat(fd, &st) != 0)
		raise_unreadable(path);
	len = read(fd, text, sizeof(text));
	if (len < 0)
		raise_unreadable(path);
	CloseTransientFile(fd);

	PG_TRY();
	{
		if (len == sizeof(text))
			raise_malformed("It is too long.");
		read_keys(text, len, path);
	}
	PG_FINALLY();
	{
		sodium_memzero(text, sizeof(text));
	}
	PG_END_TRY();
	held_stat = st;
	pfree(path);
}

/* The command runs once in each backend, and again when the setting changes. */
static void
load_from_command(void)
{
	const char *command = setting_master_key_command;
	char text[MAX_SOURCE_BYTES];
	size_t len;
	FILE *pipe;
	int status;

	if (held_source != NULL && strcmp(held_source, command) == 0)
		return;

	pipe = OpenPipeStream(command, PG_BINARY_R);
	if (pipe == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("could not run authfort.master_key_command: %m")));
	setvbuf(pipe, NULL, _IONBF, 0); /* no copy of the key in a stdio buffer */
	len = fread(text, 1, sizeof(text), pipe);
	status = ClosePipeStream(pipe);

	PG_TRY();
	{
		if (status != 0)
			ereport(ERROR,
					(errcode(ERRCODE_CONFIG_FILE_ERROR),
					 errmsg("authfort.master_key_command failed"),
					 errdetail_internal("%s", wait_result_to_str(status))));
		if (len == sizeof(text))
			raise_malformed("It is too long.");
		read_keys(text, len, command);
	}
	PG_FINALLY();
	{
		sodium_memzero(text, sizeof(text));
	}
	PG_END_TRY();
}

static void
load_keys(void)
{
	if (from_command())
		load_from_command();
	else
		load_from_file();
}

/* Whether a command gives the key, or a file of that name exists, readable or not. */
static bool
source_exists(void)
{
	struct stat st;
	char *path;
	bool missing;

	if (from_command())
		return true;
	path = file_path();
	missing = stat(path, &st) != 0 && errno == ENOENT;
	pfree(path);
	return !missing;
}

/* Writes a fresh key to "path", which must not exist, and makes it durable. */
static void
write_new_file(const char *path)
{
	unsigned char key[MASTER_KEY_BYTES];
	char hex[HEX_CHARACTERS + 1];
	char text[512];
	int len;
	int fd = OpenTransientFilePerm(path, O_CREAT | O_EXCL | O_WRONLY | PG_BINARY, S_IRUSR | S_IWUSR);

	if (fd < 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("could not create master key file \"%s\": %m", path)));

	randombytes_buf(key, sizeof(key));
	sodium_bin2hex(hex, sizeof(hex), key, sizeof(key));
	len = snprintf(text, sizeof(text),
				   "# The master key of authfort. Keep a copy away from this machine and from the\n"
				   "# database's backups: without it no session and no signing key can be used.\n"
				   "%s\n",
				   hex);
	errno = 0;
	if (write(fd, text, len) != len || pg_fsync(fd) != 0)
	{
		int saved_errno = errno ? errno : ENOSPC;

		unlink(path);
		errno = saved_errno;
		len = -1;
	}
	sodium_memzero(key, sizeof(key));
	sodium_memzero(hex, sizeof(hex));
	sodium_memzero(text, sizeof(text));
	if (len < 0)
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("could not write master key file \"%s\": %m", path)));
	CloseTransientFile(fd);
}

/* To the log, and to the client whose request made the file. */
static void
report_created(int level, const char *path)
{
	ereport(level,
			(errhidestmt(true), /* it may hold the password of the first user */
			 errmsg("authfort created master key file \"%s\"", path),
			 errdetail("Sessions, signing keys and messages of this database cannot be used without it. Neither pg_dump nor pg_upgrade carries it."),
			 errhint("Keep a copy of it apart from the database's backups.")));
}

/*
 * Creates the master key file.  The key is complete and on disk under another
 * name before it gets its own, so that neither a crash nor a concurrent
 * reader ever sees half of it, and an existing file is never replaced: if two
 * backends come here concurrently, both use the key of the first.
 */
static void
create_file(void)
{
	char *path = file_path();
	char *draft = psprintf("%s.%d.tmp", path, MyProcPid);
	char *directory = pstrdup(path);
	int rc;

	unlink(draft); /* left by a crashed process with our number */
	write_new_file(draft);
	rc = link(draft, path);
	if (rc != 0 && errno != EEXIST)
	{
		int saved_errno = errno;

		unlink(draft);
		errno = saved_errno;
		ereport(ERROR,
				(errcode(ERRCODE_CONFIG_FILE_ERROR),
				 errmsg("could not create master key file \"%s\": %m", path)));
	}
	unlink(draft);
	get_parent_directory(directory);
	fsync_fname(directory, true);

	if (rc == 0)
	{
		report_created(LOG_SERVER_ONLY, path);
		report_created(NOTICE, path);
	}
}

void
master_key_ensure(bool may_create)
{
	if (may_create && !source_exists())
		create_file();
	load_keys();
}

/*
 * Rises whenever the keys are read: again when the file or the command has
 * changed.  Raises if none can be read.
 */
uint64
master_key_generation(void)
{
	load_keys();
	return reads;
}

/* The id of the key that seals new secrets. */
uint32
master_key_current(void)
{
	load_keys();
	return held_keys[0].id;
}

uint32 *
master_key_ids(int *count)
{
	uint32 *ids;

	load_keys();
	ids = palloc(held_count * sizeof(uint32));
	for (int i = 0; i < held_count; i++)
		ids[i] = held_keys[i].id;
	*count = held_count;
	return ids;
}

/*
 * Writes the subkey for a purpose; the caller wipes it.  False if the master
 * key of that id is not held.  Raises if none can be read.
 */
bool
master_key_derive(uint32 id, MasterKeyPurpose purpose, unsigned char subkey[MASTER_KEY_BYTES])
{
	static const char context[crypto_kdf_CONTEXTBYTES + 1] = "authfort";

	StaticAssertStmt(MASTER_KEY_BYTES == crypto_kdf_KEYBYTES, "master keys are crypto_kdf keys");
	load_keys();
	for (int i = 0; i < held_count; i++)
	{
		if (held_keys[i].id == id)
		{
			crypto_kdf_derive_from_key(subkey, MASTER_KEY_BYTES, purpose, context, held_keys[i].key);
			return true;
		}
	}
	return false;
}
