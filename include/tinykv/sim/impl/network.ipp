#pragma once

#include <tinykv/core/config.hpp>
#include <tinykv/sim/network.hpp>

#include <utility>

namespace tinykv::sim {

TINYKV_DECL result<done> network::start(store_identity const& self, policy::receive_sink& sink) {
  if (on_ == nullptr || life_ != on_->life) return rejected(error_code::stopped, "this start of the store has ended");
  on_->sink = &sink;
  on_->greeting = self;
  return done{};
}

TINYKV_DECL void network::send(store_id to, policy::envelope mail) noexcept {
  if (usable() && to != on_->id) in_->post_office().send(*on_, to, std::move(mail));
}

TINYKV_DECL void network::stop() noexcept {
  if (usable()) on_->sink = nullptr;
}

}  // namespace tinykv::sim
