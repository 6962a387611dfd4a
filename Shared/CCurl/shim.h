// What Swift sees of the library: its header, and what the importer cannot read (macros, variadics) declared anew.
#pragma once
#include <curl/curl.h>

typedef size_t (*ccurl_data_callback)(char *bytes, size_t size, size_t count, void *context);

static inline CURLcode ccurl_global_init(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }

static inline CURLcode ccurl_set_long(CURL *handle, CURLoption option, long value) {
  return curl_easy_setopt(handle, option, value);
}

static inline CURLcode ccurl_set_size(CURL *handle, CURLoption option, curl_off_t value) {
  return curl_easy_setopt(handle, option, value);
}

/// The library copies the text.
static inline CURLcode ccurl_set_text(CURL *handle, CURLoption option, const char *value) {
  return curl_easy_setopt(handle, option, value);
}

/// The library copies `count` bytes.
static inline CURLcode ccurl_set_body(CURL *handle, const void *bytes, curl_off_t count) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE, count);
  return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, (const char *)bytes) : code;
}

/// `list` must live as long as the handle.
static inline CURLcode ccurl_set_headers(CURL *handle, struct curl_slist *list) {
  return curl_easy_setopt(handle, CURLOPT_HTTPHEADER, list);
}

/// `buffer` has at least CURL_ERROR_SIZE bytes and must live as long as the handle.
static inline CURLcode ccurl_set_error_buffer(CURL *handle, char *buffer) {
  return curl_easy_setopt(handle, CURLOPT_ERRORBUFFER, buffer);
}

/// Both get `context` as their last argument.
static inline CURLcode ccurl_set_callbacks(CURL *handle, ccurl_data_callback header, ccurl_data_callback body, void *context) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, header);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_HEADERDATA, context);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, body);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_WRITEDATA, context);
  return code;
}

/// What a body callback returns so as to be called again, with the same bytes, after `ccurl_go_on`.
static const size_t ccurl_pause = CURL_WRITEFUNC_PAUSE;

static inline CURLcode ccurl_go_on(CURL *handle) { return curl_easy_pause(handle, CURLPAUSE_CONT); }

static inline CURLMcode ccurl_set_multi_long(CURLM *handle, CURLMoption option, long value) {
  return curl_multi_setopt(handle, option, value);
}

typedef size_t (*ccurl_upload_callback)(char *bytes, size_t size, size_t count, void *context);

/// The callback gets `context` as its last argument.
static inline CURLcode ccurl_set_upload(CURL *handle, ccurl_upload_callback upload, void *context, curl_off_t count) {
  CURLcode code = curl_easy_setopt(handle, CURLOPT_UPLOAD, 1L);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_READFUNCTION, upload);
  if (code == CURLE_OK) code = curl_easy_setopt(handle, CURLOPT_READDATA, context);
  return code == CURLE_OK ? curl_easy_setopt(handle, CURLOPT_INFILESIZE_LARGE, count) : code;
}

/// `list` must live as long as the transfer.
static inline CURLcode ccurl_set_recipients(CURL *handle, struct curl_slist *list) {
  return curl_easy_setopt(handle, CURLOPT_MAIL_RCPT, list);
}

/// The last code that the server answered; 0 when it answered nothing.
static inline long ccurl_response_code(CURL *handle) {
  long code = 0;
  return curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &code) == CURLE_OK ? code : 0;
}

/// Mail goes out encrypted or not at all.
static const long ccurl_tls_required = CURLUSESSL_ALL;
