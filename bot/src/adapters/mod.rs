//! The ports, made real.

pub mod model;
