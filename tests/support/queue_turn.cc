#include "support/queue_turn.h"

#include <poll.h>

namespace embedd::test {

void turn(const Waitable& waitable, Duration at_most) {
  std::vector<Interest> interests;
  waitable.add_interests(interests);
  std::vector<pollfd> fds;
  for (const Interest& interest : interests) {
    const int events = (interest.read ? POLLIN : 0) | (interest.write ? POLLOUT : 0);
    fds.push_back({interest.fd, static_cast<short>(events), 0});
  }
  ::poll(fds.data(), fds.size(), static_cast<int>(std::chrono::duration_cast<milliseconds>(at_most).count()));
}

}  // namespace embedd::test
