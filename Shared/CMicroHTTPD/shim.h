// What Swift sees of the library: its header, and what the importer cannot read (macros, variadics) declared anew.
#pragma once
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>

/// The functions a server gives to the library; `context` comes back as the first argument of each.
struct cmhd_callbacks {
  void *context;
  MHD_AccessHandlerCallback access;
  MHD_RequestCompletedCallback completed;
  MHD_NotifyConnectionCallback connection;
  /// Gets the request target as it was sent; what it returns becomes the request's context.
  void *(*target)(void *context, const char *target, struct MHD_Connection *connection);
  void (*log)(void *context, const char *line);
};

/// Formats the library's log lines, because a va_list does not cross into Swift.
static inline void cmhd_log(void *cls, const char *format, va_list arguments) {
  const struct cmhd_callbacks *callbacks = (const struct cmhd_callbacks *)cls;
  char line[512];
  vsnprintf(line, sizeof line, format, arguments);
  callbacks->log(callbacks->context, line);
}

/// Starts a server with one thread of its own on a listening socket. `callbacks` must live until the server has been stopped.
/// Returns NULL with errno set when it cannot start.
static inline struct MHD_Daemon *cmhd_start(int listener, unsigned int connections_max, unsigned int idle_seconds_max,
                                            size_t connection_memory_bytes_max, struct cmhd_callbacks *callbacks) {
  return MHD_start_daemon(
      MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG, 0, NULL, NULL, callbacks->access,
      callbacks->context,
      // First, so that whatever the others complain about is logged by us.
      MHD_OPTION_EXTERNAL_LOGGER, cmhd_log, (void *)callbacks,
      MHD_OPTION_LISTEN_SOCKET, listener,
      MHD_OPTION_CONNECTION_LIMIT, connections_max,
      MHD_OPTION_CONNECTION_TIMEOUT, idle_seconds_max,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, connection_memory_bytes_max,
      // Its strict mode adds a missing Host, answered with the response's head twice, and a blank in the target, answered by silence.
      // We refuse both ourselves.
      MHD_OPTION_STRICT_FOR_CLIENT, 0,
      MHD_OPTION_NOTIFY_COMPLETED, callbacks->completed, callbacks->context,
      MHD_OPTION_NOTIFY_CONNECTION, callbacks->connection, callbacks->context,
      MHD_OPTION_URI_LOG_CALLBACK, callbacks->target, callbacks->context,
      MHD_OPTION_END);
}

static inline int cmhd_socket(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
  return info ? info->connect_fd : -1;
}

/// What the connection callback stored for this connection.
static inline void *cmhd_socket_context(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

static inline const struct sockaddr *cmhd_peer(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  return info ? info->client_addr : NULL;
}

/// The status of the response being sent, 0 when there is none. Also knows the library's own refusals.
static inline unsigned int cmhd_status(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_HTTP_STATUS);
  return info ? info->http_status : 0;
}

/// A response whose length is not known before its end.
static inline struct MHD_Response *cmhd_stream(size_t block_bytes, MHD_ContentReaderCallback reader, void *context,
                                               MHD_ContentReaderFreeCallback release) {
  return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, block_bytes, reader, context, release);
}

/// Makes a response say neither length nor chunks, the only form in which an answer to HEAD may leave its length open.
static inline int cmhd_leave_length_open(struct MHD_Response *response) {
  return MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END) == MHD_YES;
}

static const long cmhd_end_of_stream = -1;
static const long cmhd_end_with_error = -2;

#if defined(__linux__)
#include <poll.h>
/// Linux's own: the peer has closed its side. Not declared without _GNU_SOURCE.
static const short cmhd_poll_peer_closed = 0x2000;
#endif
