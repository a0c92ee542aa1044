#include "serve/acceptor.h"

#include <fmt/format.h>

namespace embedd::serve {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

Result<tcp::endpoint> listen_on(tcp::acceptor& acceptor, const ListenAddress& address) {
  const auto refuse = [&address](const std::string& why) {
    return fail(ErrorKind::unavailable,
                fmt::format("cannot listen on {}:{}: {}", address.host, address.port, why));
  };
  error_code error;
  const auto found = tcp::resolver(acceptor.get_executor())
                         .resolve(address.host, address.port,
                                  tcp::resolver::passive | tcp::resolver::numeric_service, error);
  if (error || found.empty()) return refuse(error.message());
  const tcp::endpoint endpoint = found.begin()->endpoint();
  tcp::endpoint local;
  (void)acceptor.open(endpoint.protocol(), error);
  if (!error) (void)acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error) (void)acceptor.bind(endpoint, error);
  if (!error) (void)acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (!error) local = acceptor.local_endpoint(error);
  if (error) return refuse(error.message());
  return local;
}

std::string shown(const tcp::endpoint& endpoint) {
  const auto host = endpoint.address();
  return host.is_v6() ? fmt::format("[{}]:{}", host.to_string(), endpoint.port())
                      : fmt::format("{}:{}", host.to_string(), endpoint.port());
}

}  // namespace embedd::serve
