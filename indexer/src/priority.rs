//! Threads that compute for long stand behind those that answer.

/// Lowers the priority of the calling thread by `steps` of `nice(2)`. Only on Linux, where
/// niceness belongs to a thread: elsewhere it is the whole process's, which must not step back.
pub fn step_back(steps: i32) {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(steps) {
        tracing::debug!(%error, "a thread keeps the priority of the process");
    }
    #[cfg(not(target_os = "linux"))]
    let _ = steps;
}
