/*
 * As much HTTP/2 as a client of gRPC calls in the clear needs: it writes requests that were prepared beforehand, and
 * reads frames and message lengths. It decodes no headers, so that receiving costs little beside what is measured.
 */
#ifndef ZIPNET_BENCH_H2_H
#define ZIPNET_BENCH_H2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Types and flags of frames, RFC 9113 section 6. */
enum { H2_DATA = 0, H2_HEADERS = 1, H2_RST_STREAM = 3, H2_SETTINGS = 4, H2_PING = 6, H2_WINDOW_UPDATE = 8 };
enum { H2_ACK = 1, H2_END_STREAM = 1, H2_END_HEADERS = 4, H2_PADDED = 8 };

/* Nanoseconds of CLOCK_MONOTONIC: the same clock in every process of the machine. */
uint64_t monotonic_ns(void);

/* Prints the reason and ends the process. */
void fail(const char *what);

/* Raises the limit of open files as far as the process may. */
void raise_file_limit(void);

typedef struct {
  uint8_t *bytes;
  size_t length;
  size_t capacity;
} Buffer;

void buffer_append(Buffer *buffer, const void *bytes, size_t length);
void buffer_free(Buffer *buffer);

/*
 * A call that was prepared: one line of a calls file, "<request message in hex>\t<name> <value>\t<name> <value>...".
 * The names and values are headers of the request.
 */
typedef struct {
  char **lines;
  size_t count;
} Calls;

Calls calls_read(const char *path);
void calls_free(Calls *calls);

typedef struct {
  uint8_t type;
  uint8_t flags;
  uint32_t stream_id;
  uint32_t length;
  const uint8_t *payload;
} Frame;

/* A connection that neither reading nor writing blocks. Closed: fd is -1. */
typedef struct {
  int fd;
  Buffer in;
  Buffer out;
  size_t sent;
} Connection;

/*
 * Begins to connect to a port of 127.0.0.1 and queues the preface. has_large_windows: as large as HTTP/2 has them;
 * otherwise each takes 65,535 bytes and no more. False when the connection is refused at once.
 */
bool connection_open(Connection *connection, int port, bool has_large_windows);
void connection_close(Connection *connection);
/* Queues a gRPC call with one request message; the caller flushes. */
void connection_call(Connection *connection, uint32_t stream_id, const char *path, const char *call_line);
/* Writes what the socket takes. False when the connection is broken. */
bool connection_flush(Connection *connection);
/* Reads what is there, answers SETTINGS and PING, and hands on every other frame. False when the connection ended. */
bool connection_read(Connection *connection, void (*on_frame)(void *context, const Frame *frame), void *context);

/* The messages of one stream, of which only the lengths are read. */
typedef struct {
  uint8_t prefix[5];
  uint8_t prefix_length;
  uint32_t left;
} MessageReader;

/* Reads the payload of a DATA frame; calls back at the end of every message with its length in bytes. */
void messages_read(MessageReader *reader, const Frame *data, void (*on_message)(void *context, uint32_t length),
                   void *context);

#endif
