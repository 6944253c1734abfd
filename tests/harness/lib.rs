//! What the acceptance tests share: databases, the bot on its production loop, the real
//! program in a process, and the far sides played by scripts.
#![allow(clippy::unwrap_used)]

pub mod attacks;
pub mod bot;
mod broken;
pub mod composer;
pub mod db;
pub mod discord;
pub mod far_side;
pub mod model;
pub mod process;
pub mod slack;
pub mod teams;
