//! A router that remembers what was put into it.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::routing::{get, patch, post};

use super::Web;

#[derive(Default)]
pub(super) struct Table {
    pub(super) router: Router<Web>,
    /// Method and path, in the order they were added.
    pub(super) paths: Vec<(&'static str, &'static str)>,
}

impl Table {
    pub(super) fn get<H, T>(mut self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.paths.push(("GET", path));
        self.router = self.router.route(path, get(handler));
        self
    }

    pub(super) fn post<H, T>(mut self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.paths.push(("POST", path));
        self.router = self.router.route(path, post(handler));
        self
    }

    /// A route whose body may be up to `limit` bytes.
    pub(super) fn post_limited<H, T>(mut self, path: &'static str, handler: H, limit: usize) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.paths.push(("POST", path));
        self.router = self.router.route(path, post(handler).layer(DefaultBodyLimit::max(limit)));
        self
    }

    pub(super) fn patch<H, T>(mut self, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Web>,
        T: 'static,
    {
        self.paths.push(("PATCH", path));
        self.router = self.router.route(path, patch(handler));
        self
    }
}
