#include "doctor.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace cli {

namespace {

using boost::asio::ip::tcp;

finding look_at(std::string const& address) {
  auto const colon = address.rfind(':');
  auto const must_be = [&] {
    return finding{health::fail, "port", "--listen has '" + address + "'", "it must be like 10.0.0.5:20160"};
  };
  if (colon == std::string::npos || colon == 0 || colon + 1 == address.size()) return must_be();
  auto host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  boost::asio::io_context home;
  boost::system::error_code problem;
  auto const found = tcp::resolver{home}.resolve(host, address.substr(colon + 1), tcp::resolver::passive, problem);
  if (problem || found.empty()) return must_be();
  tcp::acceptor door{home};
  auto const where = found.begin()->endpoint();
  if (!door.open(where.protocol(), problem) && !door.set_option(tcp::acceptor::reuse_address(true), problem) &&
      !door.bind(where, problem))
    door.listen(1, problem);
  if (!problem) return {health::ok, "port", address + " is free"};
  if (problem == boost::asio::error::address_in_use)
    return {health::fail, "port", address + " is in use",
            "is a server running there already? else choose another port"};
  return {health::fail, "port", address + " cannot be listened on: " + problem.message(),
          "is it an address of this machine, and a port above 1023?"};
}

}  // namespace

findings look_at_ports(std::vector<std::string> const& listen) {
  findings out;
  for (auto const& address : listen) out.push_back(look_at(address));
  return out;
}

}  // namespace cli
