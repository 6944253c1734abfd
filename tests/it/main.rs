//! The acceptance tests: one binary, one module per area.

mod migrations;
mod store;
mod store_jobs;
mod store_knowledge;
mod store_people;
mod store_safety;
mod store_tickets;
