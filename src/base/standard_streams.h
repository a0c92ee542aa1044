/// Standard input, output and error of this process.
#pragma once

namespace embedd {

/// Opens /dev/null for each of the descriptors 0 to 2 that is closed. Call before anything else is opened:
/// otherwise a socket or an eventfd would get such a number, and receive log lines. /dev/null is opened in
/// the wrong direction, so that reading and writing still fail. False if there is no /dev/null.
bool occupy_standard_streams();

}  // namespace embedd
