/// Listening on an address, for both HTTP servers.
#pragma once

#include <string>

#include <boost/asio/ip/tcp.hpp>

#include "base/error.h"
#include "serve/listener.h"

namespace embedd::serve {

/// Opens, binds and listens; the endpoint has the kernel's choice of port if 0 was given. Error: unavailable,
/// because the address may become usable a moment later without a person's help.
Result<boost::asio::ip::tcp::endpoint> listen_on(boost::asio::ip::tcp::acceptor& acceptor,
                                                 const ListenAddress& address);

/// "127.0.0.1:43210", "[::1]:43210"
std::string shown(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace embedd::serve
