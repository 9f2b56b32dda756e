/*
 * Holds thousands of streams of one server and tells when messages reached them. It is the same for every server that
 * is measured, and small enough to be no part of the result.
 *
 *   receiver PORT CONNECTIONS STREAMS_PER_CONNECTION PATH CALLS_FILE OPENING_MESSAGES STALLED_CONNECTIONS
 *
 * Every stream makes one call of the calls file (h2.h), in turn. A stream is ready once it has had its opening messages.
 * The first STALLED_CONNECTIONS open their windows to no more than 65,535 bytes, ever, as callers do that have stopped
 * reading; what they get counts for no round.
 * Results are JSON lines; times are nanoseconds of CLOCK_MONOTONIC.
 *
 *   {"ready": TIMES}   all streams are ready
 *   {"round": TIMES}   all messages of a round have come
 *   {"ends": TIMES}    all streams have ended; "cut" of them without the end that HTTP/2 has for them
 *
 * Commands come as lines on the standard input, each answered by a line that names it:
 *
 *   expect MIN_BYTES COUNT            a round begins: COUNT messages of at least that size are to come
 *   follow CALLS_FILE OPENING_MESSAGES  from now on, a connection that ends is made again with these calls, after a
 *                                     pause as rpc/follower-state.ts makes it; "ready" is told once more
 */
#include "../h2/h2.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Streams that may be opening at once, so that the first opening is steady and no server's backlog overflows. */
enum { MAX_OPENING_STREAMS = 64 };
/* As FIRST_BACKOFF_MS and MAX_BACKOFF_MS of rpc/follower-state.ts. */
static const double FIRST_BACKOFF_NS = 1e9, MAX_BACKOFF_NS = 60e9;
static const uint32_t STDIN_MARK = UINT32_MAX;

typedef struct {
  MessageReader reader;
  uint32_t messages;
  bool is_ready;
  bool has_ended;
} Stream;

typedef struct {
  Connection connection;
  Stream *streams;
  size_t ready_streams;
  uint64_t next_attempt_ns;
  uint32_t failures;
  bool is_stalled;
} Peer;

/* Moments at which something happened on the streams; told when there are as many as were waited for. */
typedef struct {
  const char *name;
  uint64_t *moments;
  size_t count, target;
} Times;

static int port, events;
static const char *path;
static Calls calls;
static uint32_t opening_messages;
static size_t peer_count, streams_per_peer, stream_count;
static Peer *peers;
static size_t opening_streams, waiting_peers, next_peer, cut_streams;
static bool is_following;
static size_t round_min_bytes;
static Times ready = {.name = "ready"}, round_times = {.name = "round"}, ends = {.name = "ends"};

static int by_time(const void *left, const void *right) {
  const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return a < b ? -1 : a > b;
}

static void times_await(Times *times, size_t target) {
  times->moments = realloc(times->moments, (target + 1) * sizeof *times->moments);
  if (times->moments == NULL) fail("realloc");
  times->count = 0;
  times->target = target;
}

static void times_add(Times *times) {
  if (times->count >= times->target) return;
  times->moments[times->count++] = monotonic_ns();
  if (times->count < times->target) return;
  const uint64_t *at = times->moments;
  const size_t n = times->count;
  qsort(times->moments, n, sizeof *times->moments, by_time);
  printf("{\"%s\":{\"count\":%zu,\"cut\":%zu,\"first_ns\":%llu,\"p50_ns\":%llu,\"p99_ns\":%llu,\"last_ns\":%llu}}\n",
         times->name, n, cut_streams, (unsigned long long)at[0], (unsigned long long)at[n / 2],
         (unsigned long long)at[n * 99 / 100], (unsigned long long)at[n - 1]);
}

/* The peer and the stream that the frame at hand belongs to. */
static Peer *current_peer;
static Stream *current_stream;

static void on_message(void *unused, uint32_t length) {
  (void)unused;
  current_stream->messages += 1;
  if (!current_stream->is_ready && current_stream->messages >= opening_messages) {
    current_stream->is_ready = true;
    current_peer->ready_streams += 1;
    current_peer->failures = 0;
    opening_streams -= 1;
    times_add(&ready);
  } else if (length >= round_min_bytes && !current_peer->is_stalled) {
    times_add(&round_times);
  }
}

static void on_end(Stream *stream) {
  if (stream->has_ended) return;
  stream->has_ended = true;
  times_add(&ends);
}

static void refuse_to_go_on(const char *what) {
  fprintf(stderr, "%s\n", what);
  exit(1);
}

static void on_frame(void *context, const Frame *frame) {
  current_peer = context;
  const size_t index = (frame->stream_id - 1) / 2;
  if (frame->stream_id == 0 || index >= streams_per_peer) return;
  current_stream = &current_peer->streams[index];
  if (frame->type == H2_DATA) messages_read(&current_stream->reader, frame, on_message, NULL);
  const bool is_end = (frame->type == H2_DATA || frame->type == H2_HEADERS) && (frame->flags & H2_END_STREAM);
  if (frame->type == H2_RST_STREAM && !current_stream->has_ended) cut_streams += 1;
  if (!is_end && frame->type != H2_RST_STREAM) return;
  if (!current_stream->is_ready) refuse_to_go_on("the server ended a stream before it was ready");
  on_end(current_stream);
}

static void watch(Peer *peer, int operation, uint32_t interest) {
  struct epoll_event event = {.events = interest, .data.u32 = (uint32_t)(peer - peers)};
  if (epoll_ctl(events, operation, peer->connection.fd, &event) != 0) fail("epoll_ctl");
}

/* Makes the connection again later, after a pause that doubles in length and is spread over all of it. */
static void wait_to_connect(Peer *peer) {
  double longest = FIRST_BACKOFF_NS;
  for (uint32_t i = 0; i < peer->failures && longest < MAX_BACKOFF_NS; i++) longest *= 2;
  if (longest > MAX_BACKOFF_NS) longest = MAX_BACKOFF_NS;
  peer->failures += 1;
  peer->next_attempt_ns = monotonic_ns() + (uint64_t)(longest * drand48());
  waiting_peers += 1;
}

static void on_closed(Peer *peer) {
  connection_close(&peer->connection);
  if (!is_following && peer->ready_streams < streams_per_peer) refuse_to_go_on("a connection ended as it began");
  opening_streams -= streams_per_peer - peer->ready_streams;
  for (size_t i = 0; i < streams_per_peer; i++) {
    if (!peer->streams[i].has_ended) cut_streams += 1;
    on_end(&peer->streams[i]);
  }
  if (is_following) wait_to_connect(peer);
}

static void connect_peer(Peer *peer) {
  waiting_peers -= 1;
  opening_streams += streams_per_peer;
  peer->ready_streams = 0;
  memset(peer->streams, 0, streams_per_peer * sizeof *peer->streams);
  const size_t first_call = (size_t)(peer - peers) * streams_per_peer;
  if (!connection_open(&peer->connection, port, !peer->is_stalled)) {
    on_closed(peer);
    return;
  }
  for (size_t i = 0; i < streams_per_peer; i++) {
    const char *line = calls.lines[(first_call + i) % calls.count];
    connection_call(&peer->connection, (uint32_t)(2 * i + 1), path, line);
  }
  watch(peer, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
}

/* Opens the first connections one after another, and those of followers when their time has come. */
static void connect_waiting(void) {
  for (; !is_following && next_peer < peer_count; next_peer++) {
    if (opening_streams > 0 && opening_streams + streams_per_peer > MAX_OPENING_STREAMS) return;
    connect_peer(&peers[next_peer]);
  }
  if (!is_following || waiting_peers == 0) return;
  const uint64_t now_ns = monotonic_ns();
  for (size_t i = 0; i < peer_count; i++) {
    Peer *peer = &peers[i];
    if (peer->connection.fd < 0 && peer->next_attempt_ns <= now_ns) connect_peer(peer);
  }
}

static void follow(const char *calls_file, uint32_t messages) {
  calls_free(&calls);
  calls = calls_read(calls_file);
  if (calls.count < stream_count) fail("the calls are fewer than the streams");
  opening_messages = messages;
  is_following = true;
  times_await(&ready, stream_count);
}

/* False when the command says to end. */
static bool obey(const char *command) {
  size_t min_bytes, count;
  char file[4096];
  uint32_t messages;
  if (sscanf(command, "expect %zu %zu", &min_bytes, &count) == 2) {
    round_min_bytes = min_bytes;
    times_await(&round_times, count);
    printf("{\"expect\":%zu}\n", count);
  } else if (sscanf(command, "follow %4095s %u", file, &messages) == 2) {
    follow(file, messages);
    printf("{\"follow\":%u}\n", messages);
  } else {
    return false;
  }
  return true;
}

/* Reads commands. False when there are no more. */
static bool read_commands(void) {
  static char text[8192];
  static size_t length;
  const ssize_t got = read(STDIN_FILENO, text + length, sizeof text - 1 - length);
  if (got <= 0) return false;
  length += (size_t)got;
  text[length] = '\0';
  for (char *end; (end = strchr(text, '\n')) != NULL;) {
    *end = '\0';
    if (!obey(text)) return false;
    length -= (size_t)(end + 1 - text);
    memmove(text, end + 1, length + 1);
  }
  return true;
}

static void on_event(const struct epoll_event *event) {
  Peer *peer = &peers[event->data.u32];
  if (peer->connection.fd < 0) return;
  bool is_open = !(event->events & EPOLLERR);
  if (is_open && (event->events & EPOLLOUT)) {
    is_open = connection_flush(&peer->connection);
    if (is_open && peer->connection.out.length == 0) watch(peer, EPOLL_CTL_MOD, EPOLLIN);
  }
  if (is_open && (event->events & (EPOLLIN | EPOLLHUP))) is_open = connection_read(&peer->connection, on_frame, peer);
  if (!is_open) on_closed(peer);
}

static void set_up(char **arguments) {
  port = atoi(arguments[1]);
  peer_count = strtoul(arguments[2], NULL, 10);
  streams_per_peer = strtoul(arguments[3], NULL, 10);
  path = arguments[4];
  calls = calls_read(arguments[5]);
  opening_messages = (uint32_t)strtoul(arguments[6], NULL, 10);
  const size_t stalled_peers = strtoul(arguments[7], NULL, 10);
  stream_count = peer_count * streams_per_peer;
  if (calls.count == 0) fail("there are no calls");
  peers = calloc(peer_count, sizeof *peers);
  if (peers == NULL) fail("calloc");
  for (size_t i = 0; i < peer_count; i++) {
    peers[i].connection.fd = -1;
    peers[i].is_stalled = i < stalled_peers;
    peers[i].streams = calloc(streams_per_peer, sizeof *peers[i].streams);
    if (peers[i].streams == NULL) fail("calloc");
  }
  waiting_peers = peer_count;
  times_await(&ready, stream_count);
  times_await(&ends, stream_count);
  events = epoll_create1(0);
  struct epoll_event on_stdin = {.events = EPOLLIN, .data.u32 = STDIN_MARK};
  if (epoll_ctl(events, EPOLL_CTL_ADD, STDIN_FILENO, &on_stdin) != 0) fail("epoll_ctl");
}

int main(int argument_count, char **arguments) {
  static struct epoll_event ready_events[512];
  if (argument_count != 8) {
    fprintf(stderr, "receiver takes 7 arguments; they are described at the top of receiver.c\n");
    return 2;
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  raise_file_limit();
  set_up(arguments);
  for (;;) {
    connect_waiting();
    const int count = epoll_wait(events, ready_events, 512, waiting_peers > 0 ? 5 : 1000);
    for (int i = 0; i < count; i++) {
      if (ready_events[i].data.u32 != STDIN_MARK) on_event(&ready_events[i]);
      else if (!read_commands()) return 0;
    }
  }
}
