#pragma once

#include <tinykv/policy/state_machine.hpp>

#include <functional>

namespace tinykv::raftstore {

namespace detail {
template <class M>
struct read_view_of {
  using type = std::reference_wrapper<M const>;
};
template <policy::ViewableMachine M>
struct read_view_of<M> {
  using type = typename M::view_type;
};
}  // namespace detail

/// What a read of a machine is handed: its view, or, for a machine without views, the machine itself on the apply lane.
template <class M>
using read_view = typename detail::read_view_of<M>::type;

}  // namespace tinykv::raftstore
