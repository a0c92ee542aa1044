/// Standard input, output and error of this process.
#pragma once

namespace embedd {

/// Sees that descriptors 0 to 2 are taken, before anything else is opened. Otherwise a socket or an eventfd
/// of ours would become one of them, and receive what is logged. What was closed is opened in the wrong
/// direction: reading and writing fail as they would have. False if there is no /dev/null.
bool occupy_standard_streams();

}  // namespace embedd
