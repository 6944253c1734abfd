//! What the store gives and takes: one plain record per row or use case. Times are
//! epoch milliseconds; e-mail addresses are lower case.

mod incidents;
mod knowledge;
mod people;
mod places;
mod requests;
mod tickets;
mod unsaid;

pub use incidents::*;
pub use knowledge::*;
pub use people::*;
pub use places::*;
pub use requests::*;
pub use tickets::*;
pub use unsaid::*;
