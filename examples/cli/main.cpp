// tinykv: talks to a cluster of tinykv-server. `tinykv --help` lists the verbs; one file beside this one holds each.

#include "command_line.hpp"

#include <iostream>

#include <fcntl.h>
#include <unistd.h>

namespace {

/// Whoever starts a program with a closed stdout would otherwise see its output go into the first socket that is
/// opened. What is opened here can be neither read nor written, so that using it is an error.
void occupy_standard_streams() {
  for (int fd = 0; fd <= 2; ++fd)
    if (::fcntl(fd, F_GETFD) == -1) (void)::open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY);
}

}  // namespace

int main(int argc, char** argv) {
  occupy_standard_streams();
  std::ios::sync_with_stdio(false);
  return cli::run_program({argv + 1, argv + argc});
}
