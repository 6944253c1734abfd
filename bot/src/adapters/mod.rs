//! The world behind the ports, one file each.

pub mod clock;
pub mod knowledge;
pub mod model;
