#pragma once

#include "counter.hpp"

#include <tinykv/node/node.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <string>

/// Nodes 1, 2, 3 of the composition P in one process, each of which can be stopped and started again. Every call runs the
/// io_context until it is answered.
template <class P>
class three_nodes {
 public:
  using make_parts = std::function<tinykv::parts<P>(std::uint64_t id)>;

  three_nodes(boost::asio::io_context& io, make_parts make) : io_(io), executor_(io), make_(std::move(make)) {}

  void start(std::uint64_t id) {
    auto options = tinykv::raftstore::static_cluster({1, 2, 3}, std::random_device{}());
    options.tick_interval = std::chrono::milliseconds{30};
    auto& node = nodes_[id];
    node = std::make_unique<tinykv::node<P>>(tinykv::identity{tinykv::cluster_id{1}, tinykv::store_id{id}}, make_(id), executor_, options);
    if (node->failed()) std::cout << "node " << id << " did not start: " << node->failed()->detail << '\n';
  }
  void start_all() {
    for (std::uint64_t id : {1, 2, 3}) start(id);
  }
  void stop(std::uint64_t id) {
    static_cast<void>(await(nodes_.at(id)->async_stop(boost::asio::use_awaitable)));
    nodes_.erase(id);
  }
  void stop_all() {
    while (!nodes_.empty()) stop(nodes_.begin()->first);
  }
  /// Adds one; asks every node until the one that leads answers.
  std::int64_t up() {
    for (;; pause())
      for (auto& [id, node] : nodes_)
        if (auto r = await(node->async_propose(tinykv::bytes::copy_of("up"), patience, boost::asio::use_awaitable)); r) return *r;
  }
  /// What a linearizable read at node `id` sees, or why there is none.
  std::string read(std::uint64_t id) {
    auto const look = [](counter const& c) { return c.value; };
    auto r = await(nodes_.at(id)->async_read(look, patience, boost::asio::use_awaitable));
    return r ? std::to_string(*r) : std::string{name_of(r.error().code)};
  }
  /// Waits until node `id` is refused by another one; gives the reason.
  std::string refusal_of(std::uint64_t id) {
    for (;; pause()) {
      auto s = await(nodes_.at(id)->async_status(boost::asio::use_awaitable));
      if (!s->refused_by.empty()) return s->refused_by.begin()->second.detail;
    }
  }

 private:
  static constexpr std::chrono::seconds patience{5};

  template <class T>
  T await(boost::asio::awaitable<T> what) {
    auto answer = boost::asio::co_spawn(io_, std::move(what), boost::asio::use_future);
    io_.restart();
    while (answer.wait_for(std::chrono::seconds{0}) != std::future_status::ready) io_.run_one();
    return answer.get();
  }
  void pause() {
    boost::asio::steady_timer timer{io_, std::chrono::milliseconds{20}};
    await(timer.async_wait(boost::asio::use_awaitable));
  }

  boost::asio::io_context& io_;
  tinykv::runtime::asio_executor executor_;
  make_parts make_;
  std::map<std::uint64_t, std::unique_ptr<tinykv::node<P>>> nodes_;
};
