#pragma clang diagnostic ignored "-Wc23-extensions"
#include "include/CResources.h"

// Every file is named twice: once to be embedded, once in the table. TidyTests compares the table with the folders.
#define FILE_BYTES(name) static const unsigned char name[]

FILE_BYTES(messaging_0001) = {
#embed "../Messaging/migrations/0001_create_messaging.sql"
};
FILE_BYTES(messaging_0003) = {
#embed "../Messaging/migrations/0003_create_unsettled.sql"
};
FILE_BYTES(ingest_0002) = {
#embed "../../Services/Ingest/Store/migrations/0002_create_ingest.sql"
};
FILE_BYTES(ingest_0004) = {
#embed "../../Services/Ingest/Store/migrations/0004_create_quality.sql"
};
FILE_BYTES(profile_0002) = {
#embed "../../Services/Profile/Store/migrations/0002_create_profile.sql"
};
FILE_BYTES(profile_0004) = {
#embed "../../Services/Profile/Store/migrations/0004_create_bonds.sql"
};
FILE_BYTES(profile_0005) = {
#embed "../../Services/Profile/Store/migrations/0005_create_interactions.sql"
};
FILE_BYTES(profile_0006) = {
#embed "../../Services/Profile/Store/migrations/0006_create_tags.sql"
};
FILE_BYTES(profile_0007) = {
#embed "../../Services/Profile/Store/migrations/0007_add_known_days.sql"
};
FILE_BYTES(profile_0008) = {
#embed "../../Services/Profile/Store/migrations/0008_create_cold_orders.sql"
};
FILE_BYTES(profile_0009) = {
#embed "../../Services/Profile/Store/migrations/0009_add_last_interaction.sql"
};
FILE_BYTES(profile_0010) = {
#embed "../../Services/Profile/Store/migrations/0010_tell_addresses.sql"
};
FILE_BYTES(profile_0013) = {
#embed "../../Services/Profile/Store/migrations/0013_narrow_indexes.sql"
};
FILE_BYTES(profile_0014) = {
#embed "../../Services/Profile/Store/migrations/0014_file_orders_by_month.sql"
};
FILE_BYTES(profile_0015) = {
#embed "../../Services/Profile/Store/migrations/0015_create_due_customers.sql"
};
FILE_BYTES(tickets_0002) = {
#embed "../../Services/Tickets/Store/migrations/0002_create_tickets.sql"
};
FILE_BYTES(tickets_0004) = {
#embed "../../Services/Tickets/Store/migrations/0004_create_staff.sql"
};
FILE_BYTES(tickets_0005) = {
#embed "../../Services/Tickets/Store/migrations/0005_create_grants.sql"
};
FILE_BYTES(tickets_0006) = {
#embed "../../Services/Tickets/Store/migrations/0006_create_improvements.sql"
};
FILE_BYTES(tickets_0007) = {
#embed "../../Services/Tickets/Store/migrations/0007_create_spot_checks.sql"
};
FILE_BYTES(tickets_0008) = {
#embed "../../Services/Tickets/Store/migrations/0008_add_upheld.sql"
};
FILE_BYTES(tickets_0009) = {
#embed "../../Services/Tickets/Store/migrations/0009_create_knowledge.sql"
};
FILE_BYTES(tickets_0010) = {
#embed "../../Services/Tickets/Store/migrations/0010_create_ticket_answers.sql"
};
FILE_BYTES(tickets_0011) = {
#embed "../../Services/Tickets/Store/migrations/0011_add_acceptance.sql"
};
FILE_BYTES(feedback_0009) = {
#embed "../../Services/Feedback/Store/migrations/0009_add_delivery.sql"
};
FILE_BYTES(create_audit) = {
#embed "../../Shared/Auditing/migrations/create_audit.sql"
};
FILE_BYTES(console_0001) = {
#embed "../../Services/Console/Store/migrations/0001_create_sessions.sql"
};
FILE_BYTES(console_css) = {
#embed "../../Services/Console/Assets/console.css"
};
FILE_BYTES(console_js) = {
#embed "../../Services/Console/Assets/console.js"
};
FILE_BYTES(console_icon) = {
#embed "../../Services/Console/Assets/icon.svg"
};
FILE_BYTES(add_looks) = {
#embed "../../Shared/Auditing/migrations/add_looks.sql"
};
FILE_BYTES(tickets_0014) = {
#embed "../../Services/Tickets/Store/migrations/0014_add_due.sql"
};
FILE_BYTES(connector_0007) = {
#embed "../../Services/Connector/Store/migrations/0007_add_stop_link.sql"
};
FILE_BYTES(connector_0006) = {
#embed "../../Services/Connector/Store/migrations/0006_create_withdrawals.sql"
};
FILE_BYTES(feedback_0013) = {
#embed "../../Services/Feedback/Store/migrations/0013_add_withdrawals.sql"
};
FILE_BYTES(connector_0002) = {
#embed "../../Services/Connector/Store/migrations/0002_create_connector.sql"
};
FILE_BYTES(messages) = {
#embed "../../deploy/messages.yaml"
};
FILE_BYTES(feedback_0002) = {
#embed "../../Services/Feedback/Store/migrations/0002_create_feedback.sql"
};
FILE_BYTES(feedback_0004) = {
#embed "../../Services/Feedback/Store/migrations/0004_create_rule_files.sql"
};
FILE_BYTES(feedback_0005) = {
#embed "../../Services/Feedback/Store/migrations/0005_create_invitations.sql"
};
FILE_BYTES(feedback_0006) = {
#embed "../../Services/Feedback/Store/migrations/0006_create_comments.sql"
};
FILE_BYTES(feedback_0007) = {
#embed "../../Services/Feedback/Store/migrations/0007_create_asking.sql"
};
FILE_BYTES(feedback_0008) = {
#embed "../../Services/Feedback/Store/migrations/0008_create_baselines.sql"
};
FILE_BYTES(feedback_0010) = {
#embed "../../Services/Feedback/Store/migrations/0010_create_profiles.sql"
};
FILE_BYTES(tiering_0002) = {
#embed "../../Services/Tiering/Store/migrations/0002_create_tiering.sql"
};
FILE_BYTES(tiering_0004) = {
#embed "../../Services/Tiering/Store/migrations/0004_create_benefits.sql"
};
FILE_BYTES(tiering_0005) = {
#embed "../../Services/Tiering/Store/migrations/0005_create_scorecard_life.sql"
};
FILE_BYTES(tiering_0006) = {
#embed "../../Services/Tiering/Store/migrations/0006_create_proposals.sql"
};
FILE_BYTES(tiering_0007) = {
#embed "../../Services/Tiering/Store/migrations/0007_create_quota_borders.sql"
};
FILE_BYTES(tiering_0008) = {
#embed "../../Services/Tiering/Store/migrations/0008_add_last_interaction.sql"
};
FILE_BYTES(tiering_0009) = {
#embed "../../Services/Tiering/Store/migrations/0009_create_opt_out_parts.sql"
};
FILE_BYTES(tiering_0010) = {
#embed "../../Services/Tiering/Store/migrations/0010_create_complaints.sql"
};
FILE_BYTES(scorecard_standard) = {
#embed "../../deploy/scorecards/standard.yaml"
};
FILE_BYTES(scorecard_rfm_plus) = {
#embed "../../deploy/scorecards/rfm-plus.yaml"
};
FILE_BYTES(policies) = {
#embed "../../deploy/policies.yaml"
};
FILE_BYTES(benefits) = {
#embed "../../deploy/benefits.yaml"
};
FILE_BYTES(identity) = {
#embed "../../deploy/identity.yaml"
};
FILE_BYTES(calendars) = {
#embed "../../deploy/calendars.yaml"
};
FILE_BYTES(tags) = {
#embed "../../deploy/tags.yaml"
};
FILE_BYTES(desk) = {
#embed "../../deploy/desk.yaml"
};
FILE_BYTES(staff) = {
#embed "../../deploy/staff.yaml"
};
FILE_BYTES(standards) = {
#embed "../../deploy/standards.yaml"
};
FILE_BYTES(comments) = {
#embed "../../deploy/comments.yaml"
};
FILE_BYTES(asking) = {
#embed "../../deploy/asking.yaml"
};
FILE_BYTES(survey_nps_quarterly) = {
#embed "../../deploy/surveys/nps-quarterly.yaml"
};
FILE_BYTES(survey_csat_after_ticket) = {
#embed "../../deploy/surveys/csat-after-ticket.yaml"
};
FILE_BYTES(survey_ces_after_ticket) = {
#embed "../../deploy/surveys/ces-after-ticket.yaml"
};
FILE_BYTES(survey_ces_after_delivery) = {
#embed "../../deploy/surveys/ces-after-delivery.yaml"
};
FILE_BYTES(survey_csat_first_order) = {
#embed "../../deploy/surveys/csat-first-order.yaml"
};
FILE_BYTES(mapping_cdnow) = {
#embed "../../deploy/mappings/cdnow.yaml"
};
FILE_BYTES(mapping_online_retail) = {
#embed "../../deploy/mappings/online-retail.yaml"
};
FILE_BYTES(mapping_shopify_order) = {
#embed "../../deploy/mappings/shopify-order.yaml"
};
FILE_BYTES(mapping_shopify_refund) = {
#embed "../../deploy/mappings/shopify-refund.yaml"
};
FILE_BYTES(mapping_youzan_order) = {
#embed "../../deploy/mappings/youzan-order.yaml"
};
FILE_BYTES(mapping_pos_journal) = {
#embed "../../deploy/mappings/pos-journal.yaml"
};
FILE_BYTES(mapping_generic_csv) = {
#embed "../../deploy/mappings/generic-csv.yaml"
};
FILE_BYTES(sample_orders) = {
#embed "../../deploy/sample/orders.ndjson"
};
FILE_BYTES(sample_contacts) = {
#embed "../../deploy/sample/contacts.ndjson"
};
FILE_BYTES(sample_answers) = {
#embed "../../deploy/sample/answers.ndjson"
};

#define ENTRY(path, name) { path, name, sizeof(name) }
static const struct cresource table[] = {
  ENTRY("Shared/Messaging/migrations/0001_create_messaging.sql", messaging_0001),
  ENTRY("Shared/Messaging/migrations/0003_create_unsettled.sql", messaging_0003),
  ENTRY("Services/Ingest/Store/migrations/0002_create_ingest.sql", ingest_0002),
  ENTRY("Services/Ingest/Store/migrations/0004_create_quality.sql", ingest_0004),
  ENTRY("Services/Profile/Store/migrations/0002_create_profile.sql", profile_0002),
  ENTRY("Services/Profile/Store/migrations/0004_create_bonds.sql", profile_0004),
  ENTRY("Services/Profile/Store/migrations/0005_create_interactions.sql", profile_0005),
  ENTRY("Services/Profile/Store/migrations/0006_create_tags.sql", profile_0006),
  ENTRY("Services/Profile/Store/migrations/0007_add_known_days.sql", profile_0007),
  ENTRY("Services/Profile/Store/migrations/0008_create_cold_orders.sql", profile_0008),
  ENTRY("Services/Profile/Store/migrations/0009_add_last_interaction.sql", profile_0009),
  ENTRY("Services/Profile/Store/migrations/0010_tell_addresses.sql", profile_0010),
  ENTRY("Services/Profile/Store/migrations/0013_narrow_indexes.sql", profile_0013),
  ENTRY("Services/Profile/Store/migrations/0014_file_orders_by_month.sql", profile_0014),
  ENTRY("Services/Profile/Store/migrations/0015_create_due_customers.sql", profile_0015),
  ENTRY("Services/Tickets/Store/migrations/0002_create_tickets.sql", tickets_0002),
  ENTRY("Services/Tickets/Store/migrations/0004_create_staff.sql", tickets_0004),
  ENTRY("Services/Tickets/Store/migrations/0005_create_grants.sql", tickets_0005),
  ENTRY("Services/Tickets/Store/migrations/0006_create_improvements.sql", tickets_0006),
  ENTRY("Services/Tickets/Store/migrations/0007_create_spot_checks.sql", tickets_0007),
  ENTRY("Services/Tickets/Store/migrations/0008_add_upheld.sql", tickets_0008),
  ENTRY("Services/Tickets/Store/migrations/0009_create_knowledge.sql", tickets_0009),
  ENTRY("Services/Tickets/Store/migrations/0010_create_ticket_answers.sql", tickets_0010),
  ENTRY("Services/Tickets/Store/migrations/0011_add_acceptance.sql", tickets_0011),
  ENTRY("Services/Tickets/Store/migrations/0014_add_due.sql", tickets_0014),
  ENTRY("deploy/messages.yaml", messages),
  ENTRY("Shared/Auditing/migrations/create_audit.sql", create_audit),
  ENTRY("Shared/Auditing/migrations/add_looks.sql", add_looks),
  ENTRY("Services/Connector/Store/migrations/0002_create_connector.sql", connector_0002),
  ENTRY("Services/Connector/Store/migrations/0006_create_withdrawals.sql", connector_0006),
  ENTRY("Services/Connector/Store/migrations/0007_add_stop_link.sql", connector_0007),
  ENTRY("Services/Console/Store/migrations/0001_create_sessions.sql", console_0001),
  ENTRY("Services/Console/Assets/console.css", console_css),
  ENTRY("Services/Console/Assets/console.js", console_js),
  ENTRY("Services/Console/Assets/icon.svg", console_icon),
  ENTRY("Services/Feedback/Store/migrations/0002_create_feedback.sql", feedback_0002),
  ENTRY("Services/Feedback/Store/migrations/0004_create_rule_files.sql", feedback_0004),
  ENTRY("Services/Feedback/Store/migrations/0005_create_invitations.sql", feedback_0005),
  ENTRY("Services/Feedback/Store/migrations/0006_create_comments.sql", feedback_0006),
  ENTRY("Services/Feedback/Store/migrations/0007_create_asking.sql", feedback_0007),
  ENTRY("Services/Feedback/Store/migrations/0008_create_baselines.sql", feedback_0008),
  ENTRY("Services/Feedback/Store/migrations/0009_add_delivery.sql", feedback_0009),
  ENTRY("Services/Feedback/Store/migrations/0010_create_profiles.sql", feedback_0010),
  ENTRY("Services/Feedback/Store/migrations/0013_add_withdrawals.sql", feedback_0013),
  ENTRY("Services/Tiering/Store/migrations/0002_create_tiering.sql", tiering_0002),
  ENTRY("Services/Tiering/Store/migrations/0004_create_benefits.sql", tiering_0004),
  ENTRY("Services/Tiering/Store/migrations/0005_create_scorecard_life.sql", tiering_0005),
  ENTRY("Services/Tiering/Store/migrations/0006_create_proposals.sql", tiering_0006),
  ENTRY("Services/Tiering/Store/migrations/0007_create_quota_borders.sql", tiering_0007),
  ENTRY("Services/Tiering/Store/migrations/0008_add_last_interaction.sql", tiering_0008),
  ENTRY("Services/Tiering/Store/migrations/0009_create_opt_out_parts.sql", tiering_0009),
  ENTRY("Services/Tiering/Store/migrations/0010_create_complaints.sql", tiering_0010),
  ENTRY("deploy/scorecards/standard.yaml", scorecard_standard),
  ENTRY("deploy/scorecards/rfm-plus.yaml", scorecard_rfm_plus),
  ENTRY("deploy/policies.yaml", policies),
  ENTRY("deploy/benefits.yaml", benefits),
  ENTRY("deploy/identity.yaml", identity),
  ENTRY("deploy/calendars.yaml", calendars),
  ENTRY("deploy/tags.yaml", tags),
  ENTRY("deploy/desk.yaml", desk),
  ENTRY("deploy/staff.yaml", staff),
  ENTRY("deploy/standards.yaml", standards),
  ENTRY("deploy/comments.yaml", comments),
  ENTRY("deploy/asking.yaml", asking),
  ENTRY("deploy/surveys/nps-quarterly.yaml", survey_nps_quarterly),
  ENTRY("deploy/surveys/csat-after-ticket.yaml", survey_csat_after_ticket),
  ENTRY("deploy/surveys/ces-after-ticket.yaml", survey_ces_after_ticket),
  ENTRY("deploy/surveys/ces-after-delivery.yaml", survey_ces_after_delivery),
  ENTRY("deploy/surveys/csat-first-order.yaml", survey_csat_first_order),
  ENTRY("deploy/mappings/cdnow.yaml", mapping_cdnow),
  ENTRY("deploy/mappings/online-retail.yaml", mapping_online_retail),
  ENTRY("deploy/mappings/shopify-order.yaml", mapping_shopify_order),
  ENTRY("deploy/mappings/shopify-refund.yaml", mapping_shopify_refund),
  ENTRY("deploy/mappings/youzan-order.yaml", mapping_youzan_order),
  ENTRY("deploy/mappings/pos-journal.yaml", mapping_pos_journal),
  ENTRY("deploy/mappings/generic-csv.yaml", mapping_generic_csv),
  ENTRY("deploy/sample/orders.ndjson", sample_orders),
  ENTRY("deploy/sample/contacts.ndjson", sample_contacts),
  ENTRY("deploy/sample/answers.ndjson", sample_answers),
};

size_t cresource_count(void) { return sizeof(table) / sizeof(table[0]); }

struct cresource cresource_at(size_t index) {
  if (index >= cresource_count()) return (struct cresource){ "", (const unsigned char *)"", 0 };
  return table[index];
}
