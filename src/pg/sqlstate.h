/// What a failed statement means for the caller, by its SQLSTATE.
#pragma once

#include <string_view>

#include "base/error.h"

namespace embedd::pg {

/// The kind of a SQLSTATE (PostgreSQL's manual, appendix A). `sqlstate` has five characters, or is empty if
/// the server sent none: then the connection failed, which is `unavailable`. (If a connection is lost after a
/// statement was sent, the caller must use in_doubt.) A class that is not listed is `rejected`.
ErrorKind classify(std::string_view sqlstate);

}  // namespace embedd::pg
