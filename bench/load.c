/*
 * Makes the calls of a file as fast as a server answers them, a fixed number at a time, and tells how long that took.
 *
 *   load PORT CONNECTIONS CALLS_AT_A_TIME_PER_CONNECTION PATH CALLS_FILE
 *
 * Prints one JSON line: {"made": {"calls", "failed", "elapsed_ns", "p50_ns", "p99_ns"}}. A call that ends without a
 * message has failed.
 */
#include "h2/h2.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { MAX_AT_A_TIME = 1024 };

/* A place for one call after another on a connection. */
typedef struct {
  MessageReader reader;
  uint64_t begun_ns;
  uint32_t stream_id;
  bool has_message;
} Slot;

typedef struct {
  Connection connection;
  Slot slots[MAX_AT_A_TIME];
  uint32_t next_stream_id;
} Peer;

static const char *path;
static Calls calls;
static size_t at_a_time, next_call, done_calls, failed_calls;
static uint64_t *latencies_ns;
static Slot *current_slot;

static void begin_call(Peer *peer, Slot *slot) {
  if (next_call == calls.count) {
    slot->stream_id = 0;
    return;
  }
  *slot = (Slot){.begun_ns = monotonic_ns(), .stream_id = peer->next_stream_id};
  peer->next_stream_id += 2;
  connection_call(&peer->connection, slot->stream_id, path, calls.lines[next_call++]);
}

static void on_message(void *unused, uint32_t length) {
  (void)unused;
  (void)length;
  current_slot->has_message = true;
}

static Slot *slot_of(Peer *peer, uint32_t stream_id) {
  for (size_t i = 0; i < at_a_time; i++) {
    if (stream_id != 0 && peer->slots[i].stream_id == stream_id) return &peer->slots[i];
  }
  return NULL;
}

static void on_frame(void *context, const Frame *frame) {
  Peer *peer = context;
  current_slot = slot_of(peer, frame->stream_id);
  if (current_slot == NULL) return;
  if (frame->type == H2_DATA) messages_read(&current_slot->reader, frame, on_message, NULL);
  const bool is_end = (frame->type == H2_DATA || frame->type == H2_HEADERS) && (frame->flags & H2_END_STREAM);
  if (!is_end && frame->type != H2_RST_STREAM) return;
  latencies_ns[done_calls++] = monotonic_ns() - current_slot->begun_ns;
  if (!current_slot->has_message) failed_calls += 1;
  begin_call(peer, current_slot);
}

static int by_size(const void *left, const void *right) {
  const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return a < b ? -1 : a > b;
}

static void run(int events, Peer *peers) {
  struct epoll_event ready[64];
  while (done_calls < calls.count) {
    const int count = epoll_wait(events, ready, 64, 10000);
    if (count <= 0) fail("no answer for 10 s");
    for (int i = 0; i < count; i++) {
      Peer *peer = &peers[ready[i].data.u32];
      const bool is_open = connection_flush(&peer->connection) && connection_read(&peer->connection, on_frame, peer);
      if (!is_open) fail("the server closed a connection");
      const uint32_t interest = peer->connection.out.length > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN;
      struct epoll_event event = {.events = interest, .data.u32 = ready[i].data.u32};
      if (epoll_ctl(events, EPOLL_CTL_MOD, peer->connection.fd, &event) != 0) fail("epoll_ctl");
    }
  }
}

int main(int argument_count, char **arguments) {
  if (argument_count != 6 || strtoul(arguments[3], NULL, 10) > MAX_AT_A_TIME) {
    fprintf(stderr, "usage: load PORT CONNECTIONS CALLS_AT_A_TIME_PER_CONNECTION PATH CALLS_FILE\n");
    return 2;
  }
  const size_t peer_count = strtoul(arguments[2], NULL, 10);
  at_a_time = strtoul(arguments[3], NULL, 10);
  path = arguments[4];
  calls = calls_read(arguments[5]);
  latencies_ns = calloc(calls.count + 1, sizeof *latencies_ns);
  Peer *peers = calloc(peer_count, sizeof *peers);
  if (latencies_ns == NULL || peers == NULL) fail("calloc");

  const int events = epoll_create1(0);
  const uint64_t start_ns = monotonic_ns();
  for (size_t i = 0; i < peer_count; i++) {
    if (!connection_open(&peers[i].connection, atoi(arguments[1]), true)) fail("connect");
    peers[i].next_stream_id = 1;
    for (size_t slot = 0; slot < at_a_time; slot++) begin_call(&peers[i], &peers[i].slots[slot]);
    struct epoll_event event = {.events = EPOLLIN | EPOLLOUT, .data.u32 = (uint32_t)i};
    if (epoll_ctl(events, EPOLL_CTL_ADD, peers[i].connection.fd, &event) != 0) fail("epoll_ctl");
  }
  run(events, peers);
  const uint64_t elapsed_ns = monotonic_ns() - start_ns;
  qsort(latencies_ns, done_calls, sizeof *latencies_ns, by_size);
  printf("{\"made\":{\"calls\":%zu,\"failed\":%zu,\"elapsed_ns\":%llu,\"p50_ns\":%llu,\"p99_ns\":%llu}}\n",
         done_calls, failed_calls, (unsigned long long)elapsed_ns, (unsigned long long)latencies_ns[done_calls / 2],
         (unsigned long long)latencies_ns[done_calls * 99 / 100]);
  return 0;
}
