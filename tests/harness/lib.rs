//! What the acceptance tests share: the far sides the bot talks to, played by scripts.

pub mod attacks;
pub mod model;
