// What Swift sees of the library: its header, and what the importer cannot read (macros, variadics) declared anew.
#pragma once
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

// `RD_KAFKA_PARTITION_UA` is a cast, which the importer refuses.
static const int32_t crdkafka_partition_unassigned = RD_KAFKA_PARTITION_UA;

/// Enqueues one record, copying key and value. A null `key` or `value` is a null on the wire; an empty one has a pointer and size 0.
///
/// `headers` may be null. They belong to the library when this succeeds and stay the caller's when it fails: handing a whole list over
/// keeps clear of the double free that release 2.0.2 has when it builds the list itself and the partition is unknown.
static inline rd_kafka_resp_err_t crdkafka_produce(
    rd_kafka_t *client, rd_kafka_topic_t *topic, int32_t partition, const void *key, size_t key_size,
    const void *value, size_t value_size, rd_kafka_headers_t *headers, uint64_t token) {
  if (headers == NULL)
    return rd_kafka_producev(
        client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY((void *)key, key_size), RD_KAFKA_V_VALUE((void *)value, value_size),
        RD_KAFKA_V_OPAQUE((void *)(uintptr_t)token), RD_KAFKA_V_END);
  return rd_kafka_producev(
      client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
      RD_KAFKA_V_KEY((void *)key, key_size), RD_KAFKA_V_VALUE((void *)value, value_size),
      RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE((void *)(uintptr_t)token), RD_KAFKA_V_END);
}

/// The token given to `crdkafka_produce`, from the delivery report's message.
static inline uint64_t crdkafka_token(const rd_kafka_message_t *message) { return (uint64_t)(uintptr_t)message->_private; }

/// An address for values without bytes; nothing is read from it.
static inline const void *_Nonnull crdkafka_empty(void) { return ""; }
