#include "serve/tls.h"

#include <fmt/format.h>
#include <openssl/ssl.h>

#include <utility>

#include "base/log.h"

namespace embedd::serve {

namespace {

namespace ssl = boost::asio::ssl;
using boost::system::error_code;

constexpr Duration kBetweenLooks = seconds(5);

}  // namespace

Result<Tls> Tls::open(std::string certificate, std::string key) {
  Tls tls(std::move(certificate), std::move(key));
  tls.loaded_ = tls.changed();
  tls.context_ = TRY(tls.load());
  return tls;
}

std::shared_ptr<ssl::context> Tls::context(Instant now) {
  if (now < next_look_) return context_;
  next_look_ = now + kBetweenLooks;
  const Changed found = changed();
  if (found == loaded_) return context_;
  loaded_ = found;
  if (auto fresh = load()) {
    context_ = *std::move(fresh);
    log::info("tls_certificate_read", {{"file", certificate_}});
  } else {
    log::warn("tls_certificate_refused", {{"message", fresh.error().message}});
  }
  return context_;
}

Tls::Changed Tls::changed() const {
  std::error_code missing;  // load() says so
  return {.certificate = std::filesystem::last_write_time(certificate_, missing),
          .key = std::filesystem::last_write_time(key_, missing)};
}

Result<std::shared_ptr<ssl::context>> Tls::load() const {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_server);
  error_code error;
  const auto refuse = [&error](const std::string& file, std::string_view needed) {
    return fail(ErrorKind::invalid_argument, fmt::format("{}: {} ({})", file, needed, error.message()));
  };
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  SSL_CTX_set_mode(context->native_handle(),
                   SSL_MODE_RELEASE_BUFFERS);  // an idle connection keeps 34 KiB less
  // Without this OpenSSL asks the terminal.
  (void)context->set_password_callback(
      [](std::size_t, ssl::context::password_purpose) { return std::string(); }, error);
  (void)context->use_certificate_chain_file(certificate_, error);
  if (error) return refuse(certificate_, "must hold the server's certificate in PEM");
  (void)context->use_private_key_file(key_, ssl::context::pem, error);
  if (error)
    return refuse(key_, fmt::format("must hold the key of {} in PEM, without a passphrase", certificate_));
  return context;
}

}  // namespace embedd::serve
