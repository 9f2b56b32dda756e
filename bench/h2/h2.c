#define _GNU_SOURCE
#include "h2.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static const char PREFACE[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

uint64_t monotonic_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void fail(const char *what) {
  fprintf(stderr, "%s: %s\n", what, strerror(errno));
  exit(1);
}

void raise_file_limit(void) {
  struct rlimit files;
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) fail("getrlimit");
  files.rlim_cur = files.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &files) != 0) fail("setrlimit");
}

void buffer_append(Buffer *buffer, const void *bytes, size_t length) {
  if (buffer->length + length > buffer->capacity) {
    buffer->capacity = 2 * (buffer->length + length);
    buffer->bytes = realloc(buffer->bytes, buffer->capacity);
    if (buffer->bytes == NULL) fail("realloc");
  }
  memcpy(buffer->bytes + buffer->length, bytes, length);
  buffer->length += length;
}

void buffer_free(Buffer *buffer) {
  free(buffer->bytes);
  *buffer = (Buffer){0};
}

Calls calls_read(const char *path) {
  FILE *file = fopen(path, "r");
  if (file == NULL) fail(path);
  Calls calls = {0};
  size_t capacity = 0, size = 0;
  char *line = NULL;
  for (ssize_t length; (length = getline(&line, &size, file)) > 0;) {
    if (line[length - 1] == '\n') line[length - 1] = '\0';
    if (calls.count == capacity) {
      capacity = 2 * capacity + 64;
      calls.lines = realloc(calls.lines, capacity * sizeof *calls.lines);
      if (calls.lines == NULL) fail("realloc");
    }
    calls.lines[calls.count++] = strdup(line);
  }
  free(line);
  fclose(file);
  return calls;
}

void calls_free(Calls *calls) {
  for (size_t i = 0; i < calls->count; i++) free(calls->lines[i]);
  free(calls->lines);
  *calls = (Calls){0};
}

static void put_frame_head(Buffer *out, size_t length, uint8_t type, uint8_t flags, uint32_t stream_id) {
  const uint8_t head[9] = {length >> 16,    length >> 8,     length,         type,     flags,
                           stream_id >> 24, stream_id >> 16, stream_id >> 8, stream_id};
  buffer_append(out, head, sizeof head);
}

static void put_preface(Buffer *out, bool has_large_windows) {
  /* No push; windows of streams as large as they get. */
  static const uint8_t settings[12] = {0, 2, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff};
  /* What makes the connection's window as large. */
  static const uint8_t increment[4] = {0x7f, 0xff, 0x00, 0x00};
  const size_t settings_length = has_large_windows ? 12 : 6;
  buffer_append(out, PREFACE, sizeof PREFACE - 1);
  put_frame_head(out, settings_length, H2_SETTINGS, 0, 0);
  buffer_append(out, settings, settings_length);
  if (!has_large_windows) return;
  put_frame_head(out, sizeof increment, H2_WINDOW_UPDATE, 0, 0);
  buffer_append(out, increment, sizeof increment);
}

/* A string of HPACK without Huffman code, RFC 7541 section 5.2. Shorter than 16,384 bytes. */
static void put_string(Buffer *out, const char *text, size_t length) {
  uint8_t head[3] = {length, 0, 0};
  size_t head_length = 1;
  if (length >= 127) {
    const size_t rest = length - 127;
    head[0] = 127;
    head[1] = rest < 128 ? rest : 128 | (rest & 127);
    head[2] = rest >> 7;
    head_length = rest < 128 ? 2 : 3;
  }
  buffer_append(out, head, head_length);
  buffer_append(out, text, length);
}

static void put_header(Buffer *out, const char *name, size_t name_length, const char *value, size_t value_length) {
  static const uint8_t literal_without_indexing = 0;
  buffer_append(out, &literal_without_indexing, 1);
  put_string(out, name, name_length);
  put_string(out, value, value_length);
}

static void put_text_header(Buffer *out, const char *name, const char *value) {
  put_header(out, name, strlen(name), value, strlen(value));
}

/* The request message at the head of a call's line, in its gRPC frame. Returns where the headers begin. */
static const char *put_message(Buffer *out, const char *line) {
  const char *end = strchrnul(line, '\t');
  const size_t length = (size_t)(end - line) / 2;
  const uint8_t prefix[5] = {0, length >> 24, length >> 16, length >> 8, length};
  buffer_append(out, prefix, sizeof prefix);
  for (size_t i = 0; i < length; i++) {
    const char digits[3] = {line[2 * i], line[2 * i + 1], '\0'};
    const uint8_t byte = (uint8_t)strtoul(digits, NULL, 16);
    buffer_append(out, &byte, 1);
  }
  return end;
}

void connection_call(Connection *connection, uint32_t stream_id, const char *path, const char *call_line) {
  Buffer message = {0}, headers = {0};
  const char *field = put_message(&message, call_line);
  put_text_header(&headers, ":method", "POST");
  put_text_header(&headers, ":scheme", "http");
  put_text_header(&headers, ":path", path);
  put_text_header(&headers, ":authority", "127.0.0.1");
  put_text_header(&headers, "content-type", "application/grpc+proto");
  put_text_header(&headers, "te", "trailers");
  while (*field == '\t') {
    const char *name = field + 1, *space = strchrnul(name, ' ');
    field = strchrnul(name, '\t');
    if (space >= field) continue;
    put_header(&headers, name, (size_t)(space - name), space + 1, (size_t)(field - space - 1));
  }
  put_frame_head(&connection->out, headers.length, H2_HEADERS, H2_END_HEADERS, stream_id);
  buffer_append(&connection->out, headers.bytes, headers.length);
  put_frame_head(&connection->out, message.length, H2_DATA, H2_END_STREAM, stream_id);
  buffer_append(&connection->out, message.bytes, message.length);
  buffer_free(&headers);
  buffer_free(&message);
}

bool connection_open(Connection *connection, int port, bool has_large_windows) {
  const struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int on = 1;
  /* Closing resets the connection, so that no port waits for its time to pass. */
  const struct linger reset = {.l_onoff = 1, .l_linger = 0};
  connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  if (connection->fd < 0) fail("socket");
  setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  if (connect(connection->fd, (const struct sockaddr *)&address, sizeof address) != 0 && errno != EINPROGRESS) {
    connection_close(connection);
    return false;
  }
  put_preface(&connection->out, has_large_windows);
  return true;
}

void connection_close(Connection *connection) {
  if (connection->fd >= 0) close(connection->fd);
  connection->fd = -1;
  connection->sent = 0;
  buffer_free(&connection->in);
  buffer_free(&connection->out);
}

bool connection_flush(Connection *connection) {
  while (connection->sent < connection->out.length) {
    const ssize_t written =
        write(connection->fd, connection->out.bytes + connection->sent, connection->out.length - connection->sent);
    if (written < 0) return errno == EAGAIN || errno == ENOTCONN;
    connection->sent += (size_t)written;
  }
  connection->sent = 0;
  buffer_free(&connection->out);
  return true;
}

/* Length of the first frame with its head; 0 while it is not complete. */
static size_t next_frame(const uint8_t *bytes, size_t available, Frame *frame) {
  if (available < 9) return 0;
  frame->length = (uint32_t)bytes[0] << 16 | (uint32_t)bytes[1] << 8 | bytes[2];
  if (available < 9 + (size_t)frame->length) return 0;
  frame->type = bytes[3];
  frame->flags = bytes[4];
  frame->stream_id =
      (uint32_t)(bytes[5] & 0x7f) << 24 | (uint32_t)bytes[6] << 16 | (uint32_t)bytes[7] << 8 | bytes[8];
  frame->payload = bytes + 9;
  return 9 + (size_t)frame->length;
}

static bool answer(Connection *connection, const Frame *frame) {
  if (frame->type != H2_SETTINGS && frame->type != H2_PING) return false;
  if (frame->flags & H2_ACK) return true;
  const size_t length = frame->type == H2_PING ? frame->length : 0;
  put_frame_head(&connection->out, length, frame->type, H2_ACK, 0);
  buffer_append(&connection->out, frame->payload, length);
  return true;
}

/* Returns how many bytes were whole frames. */
static size_t read_frames(Connection *connection, const uint8_t *bytes, size_t length,
                          void (*on_frame)(void *context, const Frame *frame), void *context) {
  size_t done = 0;
  Frame frame;
  for (size_t size; (size = next_frame(bytes + done, length - done, &frame)) > 0; done += size) {
    if (!answer(connection, &frame)) on_frame(context, &frame);
  }
  return done;
}

bool connection_read(Connection *connection, void (*on_frame)(void *context, const Frame *frame), void *context) {
  static uint8_t chunk[1 << 18];
  for (;;) {
    const ssize_t got = read(connection->fd, chunk, sizeof chunk);
    if (got < 0) return errno == EAGAIN && connection_flush(connection);
    if (got == 0) return false;
    if (connection->in.length == 0) {
      const size_t done = read_frames(connection, chunk, (size_t)got, on_frame, context);
      if (done < (size_t)got) buffer_append(&connection->in, chunk + done, (size_t)got - done);
    } else {
      buffer_append(&connection->in, chunk, (size_t)got);
      const size_t done = read_frames(connection, connection->in.bytes, connection->in.length, on_frame, context);
      connection->in.length -= done;
      memmove(connection->in.bytes, connection->in.bytes + done, connection->in.length);
      if (connection->in.length == 0) buffer_free(&connection->in);
    }
    if ((size_t)got < sizeof chunk) return connection_flush(connection);
  }
}

static uint32_t message_length(const MessageReader *reader) {
  uint32_t length;
  memcpy(&length, reader->prefix + 1, sizeof length);
  return ntohl(length);
}

void messages_read(MessageReader *reader, const Frame *data, void (*on_message)(void *context, uint32_t length),
                   void *context) {
  const uint8_t *bytes = data->payload;
  size_t left = data->length;
  if (data->flags & H2_PADDED) {
    left -= 1 + (size_t)bytes[0];
    bytes += 1;
  }
  while (left > 0) {
    if (reader->prefix_length < sizeof reader->prefix) {
      reader->prefix[reader->prefix_length++] = *bytes++;
      left -= 1;
      if (reader->prefix_length < sizeof reader->prefix) continue;
      reader->left = message_length(reader);
    } else {
      const size_t part = left < reader->left ? left : reader->left;
      bytes += part;
      left -= part;
      reader->left -= (uint32_t)part;
    }
    if (reader->left > 0) continue;
    reader->prefix_length = 0;
    on_message(context, message_length(reader));
  }
}
