/// The headers that repeat a message's content, for whoever passes HTTP on and does not read bodies. Pure.
#pragma once

#include <string>

#include "mcp/message.h"

namespace embedd::mcp {

/// As they came; empty: a header that is missing.
struct Headers {
  std::string protocol_version;  ///< MCP-Protocol-Version
  std::string method;            ///< Mcp-Method
  std::string name;              ///< Mcp-Name
};

/// Which header of a request of revision 2026-07-28 is missing, or differs from the body; empty: none.
std::string disagreement(const Headers& headers, const Request& request);

}  // namespace embedd::mcp
