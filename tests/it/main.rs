//! Acceptance tests over the production loop.

mod attacks;
mod model;
