#pragma once

#include <tinykv/testing/conformance/suite.hpp>

#include <exception>
#include <string>

namespace tinykv::testing::detail {

/// Ends a case whose further promises make no sense; the complaint is in the report.
struct case_is_over {};

/// Runs a case that may end itself; what else it throws was thrown by the model.
template <class Body>
report run_case(Body const& body) {
  report out;
  try {
    body(out);
  } catch (case_is_over const&) {
  } catch (std::exception const& e) {
    out.expect(false, std::string{"nothing is thrown: "} + e.what());
  } catch (...) {
    out.expect(false, "nothing is thrown");
  }
  return out;
}

}  // namespace tinykv::testing::detail
