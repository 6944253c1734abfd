//! What the bot does, step by step: gather what surrounds a request, make one pure
//! decision, settle everything it changes in one transaction. Flows name no platform,
//! no SQL and no web framework.

pub mod answer;
pub mod ask;
pub mod deliver;
mod draft;
pub mod follow;
pub(crate) mod heed;
pub mod incident;
pub mod model_answer;
pub mod model_assess;
pub mod react;
pub mod suggestion;
pub mod ticket;
pub mod understand;
