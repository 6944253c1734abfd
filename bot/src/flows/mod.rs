//! What the bot does, step by step, over its ports.

pub mod model_answer;
pub mod model_assess;
